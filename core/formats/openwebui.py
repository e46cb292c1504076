"""Open WebUI's HTTP API, both directions, without I/O. Observed on 0.6.18 and 0.12.4; by its source valid from 0.5.0.

Its forms have required fields that grow every few releases: a document is read, the few keys that are ours are edited,
and the whole is written back, so that one client fits every version.
"""

from __future__ import annotations

import json
from typing import Any

from core.domain.webui import Area, Card, Connection, Document, Documents, Switch, WebUiInfo, WebUiSettings

SESSION_ID = "seatrial-probe"
"""A session id alone makes a request look like a browser's (built-in tools and all); the answer stays one JSON."""
_DETAIL_LIMIT = 300
_SWITCH_KEYS = {
    Switch.TITLE: "ENABLE_TITLE_GENERATION",
    Switch.TAGS: "ENABLE_TAGS_GENERATION",
    Switch.FOLLOW_UP: "ENABLE_FOLLOW_UP_GENERATION",
    Switch.AUTOCOMPLETE: "ENABLE_AUTOCOMPLETE_GENERATION",
    Switch.SEARCH_QUERY: "ENABLE_SEARCH_QUERY_GENERATION",
    Switch.RETRIEVAL_QUERY: "ENABLE_RETRIEVAL_QUERY_GENERATION",
}
_METADATA = "DEFAULT_MODEL_METADATA"
_TOOLS = "builtin_tools"
_PUBLIC_GRANT = {"principal_type": "user", "principal_id": "*", "permission": "read"}


_PATHS = {
    Area.OPENAI: ("/openai/config", "/openai/config/update"),
    Area.OLLAMA: ("/ollama/config", "/ollama/config/update"),
    Area.TASKS: ("/api/v1/tasks/config", "/api/v1/tasks/config/update"),
    Area.DEFAULTS: ("/api/v1/configs/models", "/api/v1/configs/models"),
    Area.USER_CONNECTIONS: ("/api/v1/configs/connections", "/api/v1/configs/connections"),
}


def read_path(area: Area) -> str:
    """Where its document is got."""
    return _PATHS[area][0]


def write_path(area: Area) -> str:
    """Where its document is posted, whole."""
    return _PATHS[area][1]


# ---------------------------------------------------------------- documents to settings


def read_settings(documents: Documents) -> WebUiSettings:
    """The few things that we may change."""
    openai = documents.areas.get(Area.OPENAI) or {}
    ollama = documents.areas.get(Area.OLLAMA) or {}
    tasks = documents.areas.get(Area.TASKS) or {}
    defaults = documents.areas.get(Area.DEFAULTS) or {}
    direct = documents.areas.get(Area.USER_CONNECTIONS) or {}
    return WebUiSettings(
        connections=_connections(openai),
        openai_on=bool(openai.get("ENABLE_OPENAI_API", True)),
        ollama_on=_flag(ollama, "ENABLE_OLLAMA_API"),
        ollama_urls=tuple(str(url) for url in ollama.get("OLLAMA_BASE_URLS") or ()),
        switches={switch: _flag(tasks, key) for switch, key in _SWITCH_KEYS.items()},
        default_models=_names(defaults.get("DEFAULT_MODELS")),
        builtin_tools=_builtin_tools(defaults),
        knows_builtin_tools=_METADATA in defaults,
        user_connections=_flag(direct, "ENABLE_DIRECT_CONNECTIONS"),
        cards={model: _card(document) for model, document in documents.cards.items()},
    )


def _connections(openai: Document) -> tuple[Connection, ...]:
    urls, keys = openai.get("OPENAI_API_BASE_URLS") or [], openai.get("OPENAI_API_KEYS") or []
    configs = openai.get("OPENAI_API_CONFIGS") or {}
    padded = [*keys, *[""] * (len(urls) - len(keys))]
    return tuple(
        Connection(url, str(key), configs.get(str(index), configs.get(url)) or {})
        for index, (url, key) in enumerate(zip(urls, padded, strict=False))
    )


def _flag(document: Document, key: str) -> bool | None:
    value = document.get(key)
    return value if isinstance(value, bool) else None


def _names(text: object) -> tuple[str, ...]:
    return tuple(name.strip() for name in str(text or "").split(",") if name.strip())


def _builtin_tools(defaults: Document) -> bool | None:
    return _tools_of(defaults.get(_METADATA) or {})


def _tools_of(meta: Document) -> bool | None:
    return _flag(meta.get("capabilities") or {}, _TOOLS)


def _card(document: Document | None) -> Card | None:
    if document is None:
        return None
    meta = document.get("meta") or {}
    name, description = str(document.get("name") or ""), str(meta.get("description") or "")
    return Card(name, description, _is_public(document), _tools_of(meta))


def _is_public(document: Document) -> bool:
    """From 0.8 on a list of grants; before, the absence of any control."""
    grants = document.get("access_grants")
    if isinstance(grants, list):
        return any(isinstance(grant, dict) and grant.get("principal_id") == "*" for grant in grants)
    return document.get("access_control") is None


# ---------------------------------------------------------------- settings to documents


def write_settings(documents: Documents, settings: WebUiSettings) -> Documents:
    """``documents`` with our keys set; everything else as it was read. Only what differs needs to be written."""
    if read_settings(documents) == settings:
        return documents
    before = read_settings(documents)
    edited = {area: document for area, document in documents.areas.items() if document is not None}
    if Area.OPENAI in edited and _openai(before) != _openai(settings):
        edited[Area.OPENAI] = _with_connections(edited[Area.OPENAI], settings)
    if Area.OLLAMA in edited and settings.ollama_on is not None:
        edited[Area.OLLAMA] = {**edited[Area.OLLAMA], "ENABLE_OLLAMA_API": settings.ollama_on}
    if Area.TASKS in edited:
        flags = {_SWITCH_KEYS[switch]: on for switch, on in settings.switches.items() if on is not None}
        edited[Area.TASKS] = {**edited[Area.TASKS], **flags}
    if Area.DEFAULTS in edited:
        edited[Area.DEFAULTS] = _with_defaults(edited[Area.DEFAULTS], before, settings)
    if Area.USER_CONNECTIONS in edited and settings.user_connections is not None:
        on = settings.user_connections
        edited[Area.USER_CONNECTIONS] = {**edited[Area.USER_CONNECTIONS], "ENABLE_DIRECT_CONNECTIONS": on}
    cards = {model: _with_card(documents.cards.get(model), model, card) for model, card in settings.cards.items()}
    unchanged = {model for model, card in settings.cards.items() if before.cards.get(model) == card}
    return Documents(edited, {**cards, **{model: documents.cards.get(model) for model in unchanged}})


def _openai(settings: WebUiSettings) -> tuple[bool, tuple[Connection, ...]]:
    return settings.openai_on, settings.connections


def _with_connections(document: Document, settings: WebUiSettings) -> Document:
    """Keyed by position; by address where this version still does (0.5.0)."""
    configs = document.get("OPENAI_API_CONFIGS") or {}
    by_url = bool(configs) and not any(str(key).isdecimal() for key in configs)
    found = {
        one.url if by_url else str(index): dict(one.config)
        for index, one in enumerate(settings.connections)
        if one.config
    }
    return {
        **document,
        "ENABLE_OPENAI_API": settings.openai_on,
        "OPENAI_API_BASE_URLS": [one.url for one in settings.connections],
        "OPENAI_API_KEYS": [one.key for one in settings.connections],
        "OPENAI_API_CONFIGS": found,
    }


def _with_defaults(document: Document, before: WebUiSettings, settings: WebUiSettings) -> Document:
    edited = dict(document)
    if before.default_models != settings.default_models:
        edited["DEFAULT_MODELS"] = ",".join(settings.default_models) or None
    if before.knows_builtin_tools and before.builtin_tools != settings.builtin_tools:
        edited[_METADATA] = _with_tools(document.get(_METADATA) or {}, settings.builtin_tools)
    return edited


def _with_tools(meta: Document, on: bool | None) -> dict[str, Any]:
    """None: nothing is said about them. What else is said there stays."""
    capabilities = {name: able for name, able in (meta.get("capabilities") or {}).items() if name != _TOOLS}
    if on is not None:
        capabilities[_TOOLS] = on
    rest = {name: value for name, value in meta.items() if name != "capabilities"}
    return {**rest, **({"capabilities": capabilities} if capabilities else {})}


def _with_card(document: Document | None, model: str, card: Card | None) -> Document | None:
    """None: there is to be no card. Both spellings of "everybody" go along: each version reads its own."""
    if card is None:
        return None
    base: Document = document or {"id": model, "base_model_id": None, "params": {}, "meta": {}, "is_active": True}
    meta = {**(base.get("meta") or {})}
    if card.description or meta.get("description"):
        meta["description"] = card.description or None
    if card.builtin_tools != _tools_of(meta):
        meta = _with_tools(meta, card.builtin_tools)
    edited = {**base, "name": card.name, "meta": meta}
    if card.public and not (document is not None and _is_public(document)):
        edited |= {"access_grants": [*(base.get("access_grants") or []), _PUBLIC_GRANT], "access_control": None}
    elif not card.public and document is not None and _is_public(document):
        grants = [one for one in base.get("access_grants") or [] if one.get("principal_id") != "*"]
        edited |= {"access_grants": grants, "access_control": {}}
    return edited


# ---------------------------------------------------------------- single answers


def read_info(url: str, answer: Document) -> WebUiInfo | None:
    """/api/config without a sign-in; None where it is not Open WebUI's."""
    features = answer.get("features")
    if not isinstance(features, dict) or not isinstance(answer.get("version"), str):
        return None
    return WebUiInfo(
        url=url,
        version=answer["version"],
        name=str(answer.get("name") or "Open WebUI"),
        onboarding=answer.get("onboarding") is True,
        signs_in=features.get("auth") is not False,
        sign_up_open=features.get("enable_signup") is True,
        locale=str(answer.get("default_locale") or ""),
    )


def read_models(answer: Document) -> dict[str, str]:
    """/api/models: each id, and who owns it (openai, ollama, arena)."""
    entries = answer.get("data") if isinstance(answer.get("data"), list) else []
    return {
        str(entry["id"]): str(entry.get("owned_by") or "")
        for entry in entries or ()
        if isinstance(entry, dict) and "id" in entry
    }


def probe_body(model: str, max_tokens: int = 8) -> dict[str, Any]:
    """One short message as the browser sends it, but answered at once."""
    messages = [{"role": "user", "content": "ping"}]
    return {
        "model": model,
        "messages": messages,
        "stream": False,
        "session_id": SESSION_ID,
        "max_tokens": max_tokens,
    }


def read_probe(answer: object) -> str | None:
    """What was answered (reasoning counts: a reasoning model may have no time for more); None where nothing was."""
    choices = answer.get("choices") if isinstance(answer, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        return None
    message = choices[0].get("message")
    if not isinstance(message, dict):
        return None
    return "".join(str(message.get(name) or "") for name in ("reasoning", "reasoning_content", "content"))


def error_detail(body: bytes | str) -> tuple[str, bool]:
    """The words of an error on one line, and whether they are the model server's own: Open WebUI passes an upstream's
    error on under ``error`` and speaks itself under ``detail``."""
    try:
        answer = json.loads(body)
    except ValueError:
        return "", False
    if not isinstance(answer, dict):
        return "", False
    upstream = "error" in answer
    told: object = answer.get("error") if upstream else answer.get("detail")
    if isinstance(told, dict):
        told = told.get("message") or told.get("detail")
    if isinstance(told, list):  # a form's validation
        told = "; ".join(str(one.get("msg")) for one in told if isinstance(one, dict))
    return " ".join(str(told or "").split())[:_DETAIL_LIMIT], upstream
