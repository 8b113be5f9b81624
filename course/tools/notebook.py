#!/usr/bin/env python3
"""Runs the course's notebook: notebook.py NOTEBOOK PROGRAM. Exit code 77 where Jupyter's parts are not installed.

Every cell must run (its asserts hold), and a cell that draws must have a picture. The notebook in the tree has no
outputs: they would be those of one machine.
"""
import os
import pathlib
import sys
import time

try:
    import matplotlib  # noqa: F401: the notebook's
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    import ipykernel  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}; Debian has python3-nbclient, python3-ipykernel and python3-matplotlib")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(notebook, program):
    os.environ.update(PEFT=str(pathlib.Path(program).resolve()), PEFT_ROOT=str(ROOT))
    book = nbformat.read(notebook, as_version=4)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    if any(cell.outputs or cell.execution_count for cell in code):
        sys.exit(f"{notebook} has outputs\nhint: clear them before committing")
    begin = time.monotonic()
    client = NotebookClient(book, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}})
    # The kernel is this interpreter, whatever Jupyter is installed beside it.
    client.create_kernel_manager().kernel_spec.argv[0] = sys.executable
    try:
        client.execute()
    except CellExecutionError as error:
        sys.exit(str(error))
    for cell in code:
        pictures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
        if pictures != cell.source.count("plt.show()"):
            sys.exit(f"{pictures} pictures of the cell\n{cell.source}")
    print(f"{len(code)} cells in {time.monotonic() - begin:.0f} seconds")


main(*sys.argv[1:])
