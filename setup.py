"""Where the packages lie; everything else about them stands in pyproject.toml."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages("lib"), "sidecart_jobs", "sidecart_presets"],
    package_dir={"": "lib", "sidecart_jobs": "jobs", "sidecart_presets": "conf"},
    package_data={
        "sidecart": ["py.typed", "storage/*.properties", "storage/*.xml"],
        "sidecart_presets": ["*.toml"],
    },
)
