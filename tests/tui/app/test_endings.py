"""What counts as a crash while the application ends."""

from __future__ import annotations

import pytest
from textual.css.query import NoMatches
from textual.worker import WorkerFailed

from tuilabel.tui.app.endings import RestoringApp


@pytest.mark.parametrize("error", [NoMatches("gone"), WorkerFailed(NoMatches("gone"))])
async def test_work_that_finds_its_widgets_gone_at_the_end_is_no_crash(error: Exception) -> None:
    app = RestoringApp()
    async with app.run_test():
        app.exit(return_code=143)
        app._handle_exception(error)
        assert app.crashed is None
        assert app.return_code == 143


async def fail(app: RestoringApp, error: Exception, *, ends: bool) -> None:
    async with app.run_test():
        if ends:
            app.exit(return_code=143)
        app._handle_exception(error)


@pytest.mark.parametrize(("error", "ends"), [(NoMatches("missing"), False), (ValueError(), True)])
async def test_other_errors_are(error: Exception, ends: bool) -> None:
    app = RestoringApp()
    with pytest.raises(type(error)):
        await fail(app, error, ends=ends)
    assert app.crashed is error
    assert app.return_code == 70
