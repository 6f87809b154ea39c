"""A secret written into the YAML by mistake appears in no message."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from cdp_assets.components.loading import load_deployment
from cdp_assets.errors import ConfigError
from cdp_assets_tests.components.folders import MODEL, SHOP, changed, write

SECRET = "Hunter2Hunter2"
REFERENCE = "a secret is a reference: give exactly one of {env: NAME} or {file: path}, not the secret"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (f"password: {SECRET}", f"server.password: {REFERENCE}"),
        (f"password: '{SECRET}'", f"server.password: {REFERENCE}"),
        (f"password: [{SECRET}]", f"server.password: {REFERENCE}"),
        (f"password: {{{SECRET}}}", f"server.password: {REFERENCE}"),
        (f"password: {{value: {SECRET}}}", f"server.password: {REFERENCE}"),
        (f"password: {{env: {SECRET}!}}", f"server.password: {REFERENCE}"),
        (f"password: {{env: A, file: {SECRET}}}", f"server.password: {REFERENCE}"),
        ("password: 12345678", f"server.password: {REFERENCE}"),
        (f"password: \"{{{{ '{SECRET}' }}}}\"", f"server.password: {REFERENCE}"),
        (f"password: \"{{{{ {SECRET} }}}}\"", "this template cannot be rendered; give a secret as {env: NAME}"),
        (f"password: {{env: P}}\n    passphrase: {SECRET}", f"server.passphrase: {REFERENCE}"),
        (f"private_key: |\n      -----BEGIN\n      {SECRET}", f"server.private_key: {REFERENCE}"),
        (f"password: *{SECRET}", "is no YAML at column 15: a text that begins with * or & needs quotes"),
        (f"password: *{SECRET}!", "is no YAML at column 15: a text that begins with * or & needs quotes"),
        (f"password: !{SECRET}", "is no YAML at column 15: a text that begins with ! needs quotes"),
        (f"password: '{SECRET}", "the quote that opens here is never closed; put the same quote behind the text (the"),
        (f"password: %{SECRET}", "a text that begins with % needs quotes (the line is not shown, as it may hold a "),
        (f"password: a: {SECRET}", "a text with a colon and a space needs quotes (the line is not shown, as it may"),
        (f"pasword: a: {SECRET}", "a text with a colon and a space needs quotes (the line is not shown, as it may"),
        (f"private_key: |\n      -----BEGIN\n    Type: a\n   {SECRET}", "is no YAML at column 4: "),
        (f"private_key:\n      {SECRET}\n      {SECRET}: b: {SECRET}", "is no YAML at column "),
        (f"password: {{env: P}}\n    pasword: {SECRET}", "unknown key 'pasword' in server; did you mean 'password'?"),
        (f"password: {{env: P}}\n    {{passphrase:{SECRET}}}: 1", "is no YAML"),
    ],
)  # fmt: skip
def test_a_secret_is_never_echoed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: str, message: str) -> None:
    monkeypatch.chdir(tmp_path)
    shop = changed(SHOP, ("password: {env: SHOP_PASSWORD}", written))
    with pytest.raises(ConfigError) as caught:
        load_deployment(write(tmp_path, model=MODEL, shop=shop))
    everything = "".join(traceback.format_exception(caught.value))
    assert message in str(caught.value)
    assert SECRET not in everything
    assert "12345678" not in everything


def test_a_secret_glued_to_its_key_is_cut_off(tmp_path: Path) -> None:
    server = f"server: {{host: h, username: u, host_key: 'SHA256:k', password:{SECRET}}}"
    start, end = SHOP.index("  server:"), SHOP.index("  goals:")
    with pytest.raises(ConfigError) as caught:
        load_deployment(write(tmp_path, model=MODEL, shop=f"{SHOP[:start]}  {server}\n{SHOP[end:]}"))
    assert "unknown key 'password…' in server" in str(caught.value)
    assert SECRET not in str(caught.value)
