"""Plugins that go wrong when they are found, imported, asked what they bring, or built."""

from __future__ import annotations

from tests.hostile.case import Case, fails, unharmed

__all__ = ["LOADING"]

LOADING = (
    Case(
        name="import_error",
        does="imports a module that is not there",
        code="import no_such_module_anywhere",
        whole=True,
        threads=fails("ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        isolate="same",
    ),
    Case(
        name="syntax_error",
        does="is no Python",
        code="def",
        whole=True,
        threads=fails("SyntaxError: invalid syntax"),
    ),
    Case(
        name="exits_at_import",
        does="raises `SystemExit` when imported",
        code="raise SystemExit(3)",
        whole=True,
        threads=fails("SystemExit: 3"),
    ),
    Case(
        name="changes_the_process",
        does="sets a variable of the environment and replaces `sys.stdout` when imported",
        code="""
            import sys, os
            os.environ['PATH'] = ''
            sys.stdout = None
            class Hostile(Good): pass
        """,
        threads=fails("it changed the environment variables of the process: pass values as arguments"),
        isolate="same",
    ),
    Case(
        name="ignores_signals",
        does="ignores Ctrl-C and termination from its import on",
        code="""
            import signal
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            class Hostile(Good): pass
        """,
        threads=fails("changed a signal handler of the process"),
    ),
    Case(
        name="prints_at_import",
        does="prints to stdout when imported",
        code="""
            print('hello from the import')
            class Hostile(Good): pass
        """,
        threads=unharmed(),
        isolate="same",
    ),
    Case(
        name="misspelt_hook",
        does="marks a function `anomalist_detector` as a hook",
        code="""
            from anomalist import DetectorSpec, hookimpl
            @hookimpl
            def anomalist_detector():
                return []
        """,
        whole=True,
        threads=fails("it implements 'anomalist_detector', which is no hook; did you mean 'anomalist_detectors'?"),
        isolate="same",
    ),
    Case(
        name="wrong_arguments",
        does="has a hook that takes an argument that there is not",
        code="""
            from anomalist import DetectorSpec, hookimpl
            @hookimpl
            def anomalist_detectors(app):
                return []
        """,
        whole=True,
        threads=fails("anomalist_detectors must take (), got (app)"),
    ),
    Case(
        name="hook_of_garbage",
        does="has a hook that returns a number",
        code="""
            from anomalist import DetectorSpec, hookimpl
            @hookimpl
            def anomalist_detectors():
                return 3
        """,
        whole=True,
        threads=fails("must return a list of DetectorSpec, got int"),
    ),
    Case(
        name="hook_raises",
        does="has a hook that raises",
        code=r"""
            from anomalist import DetectorSpec, hookimpl
            @hookimpl
            def anomalist_detectors():
                raise RuntimeError('no\nluck')
        """,
        whole=True,
        threads=fails("RuntimeError: no luck"),
    ),
    Case(
        name="newer_anomalist",
        does="requires a newer anomalist",
        code="class Hostile(Good): pass",
        metadata="Requires-Dist: anomalist>=99\n",
        threads=fails("it requires anomalist>=99, and this is anomalist"),
        isolate="same",
    ),
    Case(
        name="missing_module",
        does="says that it requires a module that is not installed",
        code="""
            from anomalist import DetectorSpec, hookimpl
            @hookimpl
            def anomalist_detectors():
                spec = dict(name='NAME', summary='A detector.', factory='m:C', family='other')
                needs = dict(requires=('no_such_module_anywhere',), extra='no-such-package')
                return [DetectorSpec(**spec, **needs)]
        """,
        whole=True,
        threads=fails("needs no_such_module_anywhere: pip install 'no-such-package'"),
    ),
    Case(
        name="missing_factory",
        does="names a factory that is not there",
        code="",
        threads=fails("has no attribute 'Hostile'"),
        isolate="same",
    ),
    Case(
        name="no_dataclass",
        does="names a function as its factory",
        code="""
            def Hostile():
                return Good()
        """,
        threads=fails("is not a dataclass; its fields are its parameters"),
    ),
    Case(
        name="exits_when_built",
        does="raises `SystemExit` in its constructor",
        code="""
            class Hostile(Good):
                def __init__(self):
                    sys.exit('no')
        """,
        threads=fails("SystemExit: no"),
        isolate="same",
    ),
    Case(
        name="parameter_raises",
        does="has a parameter that raises when it is read",
        code="""
            @dataclass
            class Hostile(Good):
                depth: int = 3
                def __getattribute__(self, name):
                    if name == 'depth':
                        raise RuntimeError('not for you')
                    return super().__getattribute__(name)
        """,
        threads=fails("RuntimeError: not for you"),
    ),
)
