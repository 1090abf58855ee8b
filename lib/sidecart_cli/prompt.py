"""A SQL prompt on a release."""

from __future__ import annotations

import argparse
import cmd
import readline  # noqa: F401  (line editing and history for input())

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from sidecart_cli.reading import analysts_session, registered

_ROWS = 40


def sql(told: argparse.Namespace) -> None:
    """Answer one statement, or all that are typed until `quit`."""
    spark = analysts_session()
    names = registered(spark, told)
    if told.execute:
        answer(spark, told.execute)
        return
    Prompt(spark, names).cmdloop(
        "Tables and views: " + ", ".join(sorted(names)) + ".\n"
        "The view dictionary explains every column. End a statement with a semicolon; leave with quit."
    )


def answer(spark: SparkSession, statement: str) -> None:
    """Show the first rows of a statement's result, or what is wrong with it."""
    try:
        spark.sql(statement).show(_ROWS, truncate=False)
    except PySparkException as error:
        print(str(error).split("\n\nJVM", 1)[0].split(";\n", 1)[0])


class Prompt(cmd.Cmd):
    """Statements over several lines, ended by a semicolon."""

    prompt = "sidecart> "

    def __init__(self, spark: SparkSession, names: tuple[str, ...]) -> None:
        super().__init__()
        self.spark = spark
        self.names = names
        self.typed: list[str] = []

    def onecmd(self, line: str) -> bool:
        """Gather lines until one ends a statement."""
        if line.strip() in {"quit", "exit", "EOF"} and not self.typed:
            return True
        self.typed.append("" if line == "EOF" else line)
        statement = "\n".join(self.typed).strip()
        if not statement:
            self.typed = []
        elif statement.endswith(";") or line == "EOF":
            answer(self.spark, statement.rstrip(";"))
            self.typed = []
        self.prompt = "     ...> " if self.typed else "sidecart> "
        return False

    def completenames(self, text: str, *_: object) -> list[str]:
        """Complete table and view names."""
        return [name for name in self.names if name.startswith(text)]

    completedefault = completenames
