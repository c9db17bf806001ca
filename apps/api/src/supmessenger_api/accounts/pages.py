"""The two pages behind the link in the email, for people without the app at hand."""

from html import escape

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><body><h1>{title}</h1>{content}</body></html>
"""


def build_confirm_page(token: str) -> str:
    """Return the page with the button: programs that follow links must not use the token up."""
    form = (
        '<form method="post" action="verify">'
        f'<input type="hidden" name="token" value="{escape(token, quote=True)}">'
        "<button>Confirm</button></form>"
    )
    return _PAGE.format(title="Confirm your email address", content=form)


def build_done_page() -> str:
    """Return the page after the button."""
    return _PAGE.format(
        title="Your email address is confirmed", content="<p>You can log in now.</p>"
    )


def build_failed_page(detail: str) -> str:
    """Return the page for a link that did not work."""
    return _PAGE.format(title="This did not work", content=f"<p>{escape(detail)}</p>")
