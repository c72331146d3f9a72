"""One user request each. How to add a command:

1. Write a handler in a module here: a plain function `handler(request, ports) -> Outcome`
   (`contract.py`). It gets the words after the command's (`request.arguments`), the options
   (`request.has("force")`, `request.value("wait")`) and the outside (`ports`). It never prints:

   - text for standard output is returned: `Outcome(text=...)`;
   - what is found goes to `request.findings` (`error`, `warn`, `deprecate`, `inform`). All problems
     are collected first, then `request.findings.stop_if_errors()` ends the request once.
     `is_forceable=True` makes an error one that `--force` turns into a warning;
   - a single problem that ends everything: `raise InvalidRequestError(Report(...))`; words that
     make no sense: `raise UsageError()` (shows the usage) or `raise UsageError("message")`;
   - lines that must be seen while it works go to `request.progress(text)`, questions to
     `request.ask(prompt, is_secret)`.

2. Declare it: a `Command(words=..., handler=..., needs=..., help=..., ...)` in the module's
   `COMMANDS` tuple. Options are named there by their long name (`options.py` lists all of them;
   add a new one there).

3. Name the module in `table.py` under each first word it has commands for. Nothing is registered
   by import; modules are imported only when a command of their first word is wanted.

Handlers that change the configuration use `edit.edit_cib(request, ports, change)`: it reads, calls
`change(root)`, validates, pushes, and begins again where the configuration moved meanwhile.

`run.run_words(...)` is what the front ends call: it routes, runs and renders.
"""
