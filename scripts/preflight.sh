#!/bin/sh
# Says in one sentence what keeps sidecart from running here, and the remedy.
#   preflight.sh python   prints the path of a Python that will do
#   preflight.sh java     is silent when Java will do
#   preflight.sh explain LOG  says why an installation that wrote LOG failed
# Plain shell: it must run where Python is missing or too old to read anything newer.

complain() {
    echo "sidecart: $1" >&2
    exit 1
}

find_python() {
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python}; do
        found=$("$name" -c 'import sys; print(sys.executable if (3, 11) <= sys.version_info[:2] <= (3, 13) else "")' 2>/dev/null)
        [ -n "$found" ] && break
    done
    if [ -z "$found" ]; then
        seen=$(${PYTHON:-python3} --version 2>&1) || seen="no Python"
        complain "Python 3.11, 3.12 or 3.13 is needed and ${PYTHON:-the path} has $seen; install one, or name it: make PYTHON=/path/to/python3.12"
    fi
    "$found" -c 'import ensurepip, venv' 2>/dev/null ||
        complain "$found can't make virtual environments; install the python3-venv package of your system"
    echo "$found"
}

check_java() {
    java=${JAVA_HOME:+$JAVA_HOME/bin/}java
    said=$("$java" -version 2>&1) ||
        complain "Java is missing ($java does not run); install Java 17 or 21, for example the package openjdk-17-jre-headless, and set JAVA_HOME if it is not on the path"
    major=$(echo "$said" | sed -n 's/.*version "\(1\.\)\{0,1\}\([0-9][0-9]*\).*/\2/p' | head -n 1)
    case $major in
    17 | 21) ;;
    *) complain "Java 17 or 21 is needed and $java is ${major:-of an unknown version}; install one of them and set JAVA_HOME to it" ;;
    esac
}

explain() {
    if grep -qiE 'connection|resolve|timed out|unreachable|proxy|ssl|certificate|could not be fetched|dns error|No matching distribution' "$1"; then
        complain "the package registry can't be reached (see $1); check the network, set HTTPS_PROXY, or name a mirror in PIP_INDEX_URL and UV_INDEX_URL (for Delta's jars: a folder of them in SIDECART_JARS), then run make again"
    fi
    complain "the installation failed; the reason stands at the end of $1"
}

case $1 in
python) find_python ;;
java) check_java ;;
explain) explain "$2" ;;
*) complain "usage: preflight.sh python | java | explain LOG" ;;
esac
