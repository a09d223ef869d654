"""How a failure is put into a log: by its type and place, never by its text."""


def place_of(failure: BaseException) -> str:
    """Return an exception's type and where it was raised. Its text may quote content: left out."""
    trace = failure.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(failure).__name__}{where}"
