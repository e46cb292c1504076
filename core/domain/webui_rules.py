"""What an Open WebUI should become, what that changes, and how it is undone. Nobody else's connection is dropped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from core.domain.finding import Finding, Severity
from core.domain.webui import (
    DEFAULT_OLLAMA,
    PLACEHOLDER_URL,
    Card,
    Change,
    Connected,
    Connection,
    Switch,
    Upstream,
    WebUiSettings,
    Wishes,
)


def wanted(
    now: WebUiSettings, upstreams: Sequence[Upstream], wishes: Wishes, listed: Mapping[str, str]
) -> WebUiSettings:
    """``now`` with the upstreams connected and the wishes met; what this version has no setting for stays None.
    ``listed``: the models it lists, and who owns each: where Ollama owns one it stays on. A default that is listed is
    somebody's choice and stays; two defaults would open every chat with two models."""
    names = tuple(upstream.served_name for upstream in upstreams)
    former = {upstream.was for upstream in upstreams if upstream.was} - set(names)
    defaults = tuple(name for name in now.default_models if name in {*listed, *names} - former)
    tools = now.builtin_tools
    if now.knows_builtin_tools and any(upstream.parses_tools is not True for upstream in upstreams):
        tools = False
    return replace(
        now,
        connections=_connections(now, upstreams),
        openai_on=now.openai_on or bool(upstreams),
        ollama_on=False if now.ollama_on and _idle_ollama(now, listed) else now.ollama_on,
        switches={switch: _quiet(on, wishes) for switch, on in now.switches.items()},
        default_models=defaults or names[:1],
        builtin_tools=tools,
        user_connections=_chosen(now.user_connections, wishes.user_connections),
        cards=_cards(now, upstreams, wishes),
    )


def _connections(now: WebUiSettings, upstreams: Sequence[Upstream]) -> tuple[Connection, ...]:
    """Ours in the place where they were, new ones at the end; the vendor's placeholder without a key goes."""
    found = [one for one in now.connections if not (one.same_as == PLACEHOLDER_URL and not one.key)]
    for upstream in upstreams:
        index = next((i for i, one in enumerate(found) if one.same_as in _addresses(upstream)), None)
        before = found[index] if index is not None else None
        if before is None:
            found.append(_connection(upstream, {}))
        elif index is not None:
            found[index] = _connection(upstream, before.config)
    return tuple(found)


def _addresses(upstream: Upstream) -> set[str]:
    return {url.rstrip("/") for url in (upstream.url, upstream.replaces) if url}


def _connection(upstream: Upstream, config: Mapping[str, Any]) -> Connection:
    """A connection that already names other models as well keeps them."""
    names = [str(name) for name in config.get("model_ids") or () if str(name) not in {upstream.was, None}]
    models = names if upstream.served_name in names else [*names, upstream.served_name]
    base = dict(config) if config else {"connection_type": "local"}
    return Connection(upstream.url, upstream.key, {**base, "enable": True, "model_ids": models})


def _idle_ollama(now: WebUiSettings, listed: Mapping[str, str]) -> bool:
    return "ollama" not in listed.values() and all(url.rstrip("/") in DEFAULT_OLLAMA for url in now.ollama_urls)


def _quiet(on: bool | None, wishes: Wishes) -> bool | None:
    return False if on and wishes.quiet else on


def _chosen(now: bool | None, wish: bool | None) -> bool | None:
    return now if now is None or wish is None else wish


def _cards(now: WebUiSettings, upstreams: Sequence[Upstream], wishes: Wishes) -> dict[str, Card | None]:
    cards = dict(now.cards)
    for upstream in upstreams:
        before = cards.get(upstream.served_name)
        card = _presented(upstream, before) if wishes.publish else before
        if card is not None and before is not None:
            refused = now.knows_builtin_tools and before.builtin_tools and upstream.parses_tools is not True
            card = replace(card, builtin_tools=False if refused else before.builtin_tools)
        cards[upstream.served_name] = card
    return cards


def _presented(upstream: Upstream, before: Card | None) -> Card:
    asked = upstream.card or before or Card(upstream.served_name)
    description = asked.description or (before.description if before else "")  # somebody may have written one there
    return replace(asked, description=description, public=True)


def without(now: WebUiSettings, leaving: Sequence[Connected], staying: Sequence[Connected]) -> WebUiSettings:
    """``now`` with services of ours disconnected: our model out of its connection, and the connection itself where it
    offered nothing else; no longer a default; its card gone. A name that another connection offers too keeps its
    place. Everything else stays."""
    gone = {(one.url.rstrip("/"), one.served_name) for one in leaving}
    connections = tuple(found for one in now.connections if (found := _left(one, gone)) is not None)
    offered = {name for one in connections for name in one.models}
    names = {one.served_name for one in leaving} - offered
    defaults = tuple(name for name in now.default_models if name not in names)
    others = tuple(one.served_name for one in staying)
    return replace(
        now,
        connections=connections,
        default_models=defaults if defaults or not now.default_models else others[:1],
        cards={model: None if model in names else card for model, card in now.cards.items()},
    )


def _left(connection: Connection, gone: set[tuple[str, str]]) -> Connection | None:
    leaves = {name for url, name in gone if url == connection.same_as}
    if not leaves:
        return connection
    names = [name for name in connection.models if name not in leaves]
    return replace(connection, config={**connection.config, "model_ids": names}) if names else None


# ---------------------------------------------------------------- what that changes


def changes(before: WebUiSettings, after: WebUiSettings) -> tuple[Change, ...]:
    """Every difference, in the order in which it is written."""
    return (
        *_connection_changes(before, after),
        *_switch_changes(before, after),
        *_default_changes(before, after),
        *_card_changes(before, after),
    )


def _connection_changes(before: WebUiSettings, after: WebUiSettings) -> Iterator[Change]:
    if after.openai_on != before.openai_on:
        yield Change("openai_on" if after.openai_on else "openai_off")
    old = {one.same_as: one for one in before.connections}
    new = {one.same_as: one for one in after.connections}
    gone = [one for url, one in old.items() if url not in new]
    for url, one in new.items():
        moved = gone.pop(0) if url not in old and gone and _moved(gone[0], one) else None
        if moved is not None:
            yield Change("connection_moved", {"url": one.url, "before": moved.url})
        elif url not in old:
            yield Change("connection_added", {"url": one.url, "models": ", ".join(one.models)})
        yield from _one_connection(moved or old.get(url), one)
    for one in gone:
        empty = one.same_as == PLACEHOLDER_URL
        yield Change("placeholder_dropped" if empty else "connection_dropped", {"url": one.url})


def _moved(before: Connection, after: Connection) -> bool:
    return before.same_as != PLACEHOLDER_URL and bool(set(before.models) & set(after.models))


def _one_connection(before: Connection | None, after: Connection) -> Iterator[Change]:
    if before is None:
        return
    if before.same_as == after.same_as and before.url != after.url:  # a slash too many: the model server answers 404
        yield Change("connection_moved", {"url": after.url, "before": before.url})
    if before.key != after.key:
        yield Change("connection_key", {"url": after.url})
    if before.models != after.models:
        models = ", ".join(after.models)
        yield Change("connection_models", {"url": after.url, "before": ", ".join(before.models), "models": models})
    if before.enabled != after.enabled:
        yield Change("connection_on" if after.enabled else "connection_off", {"url": after.url})


def _switch_changes(before: WebUiSettings, after: WebUiSettings) -> Iterator[Change]:
    for switch in Switch:
        was, becomes = before.switches.get(switch), after.switches.get(switch)
        if was != becomes and becomes is not None:
            yield Change("switch_on" if becomes else "switch_off", {"switch": switch.value})
    if before.ollama_on != after.ollama_on:
        yield Change("ollama_on" if after.ollama_on else "ollama_off")


def _default_changes(before: WebUiSettings, after: WebUiSettings) -> Iterator[Change]:
    if before.default_models != after.default_models:
        names = {"before": ", ".join(before.default_models) or None, "after": ", ".join(after.default_models) or None}
        code = "default_model" if before.default_models else "default_model_set"
        yield Change(code if after.default_models else "default_model_none", names)
    if before.builtin_tools != after.builtin_tools:
        yield Change("tools_off" if after.builtin_tools is False else "tools_on")
    if before.user_connections != after.user_connections:
        yield Change("user_connections_on" if after.user_connections else "user_connections_off")


def _card_changes(before: WebUiSettings, after: WebUiSettings) -> Iterator[Change]:
    for model in sorted({*before.cards, *after.cards}):
        was, becomes = before.cards.get(model), after.cards.get(model)
        if was == becomes:
            continue
        if becomes is None:
            yield Change("card_removed", {"model": model})
        elif was is None or not was.public:
            yield Change("published", {"model": model, "name": becomes.name})
        elif replace(was, builtin_tools=becomes.builtin_tools) != becomes:
            yield Change("card_changed", {"model": model, "name": becomes.name})
        if becomes is not None and was is not None and was.builtin_tools != becomes.builtin_tools:
            yield Change("card_tools_off" if becomes.builtin_tools is False else "card_tools_on", {"model": model})


def kept(before: WebUiSettings, after: WebUiSettings, upstreams: Sequence[Upstream] = ()) -> tuple[str, ...]:
    """Connections other than those of ``upstreams`` that are the same afterwards."""
    asked = {upstream.url.rstrip("/") for upstream in upstreams}
    return tuple(one.url for one in before.connections if one in after.connections and one.same_as not in asked)


# ---------------------------------------------------------------- undoing


def undone(before: WebUiSettings, after: WebUiSettings, now: WebUiSettings) -> WebUiSettings:
    """``now`` with what led from ``before`` to ``after`` taken back. What somebody else has changed since stays."""
    return replace(
        now,
        connections=_undone_connections(before, after, now),
        openai_on=_back(before.openai_on, after.openai_on, now.openai_on),
        ollama_on=_back(before.ollama_on, after.ollama_on, now.ollama_on),
        switches={
            switch: _back(before.switches.get(switch), after.switches.get(switch), on)
            for switch, on in now.switches.items()
        },
        default_models=_back(before.default_models, after.default_models, now.default_models),
        builtin_tools=_back(before.builtin_tools, after.builtin_tools, now.builtin_tools),
        user_connections=_back(before.user_connections, after.user_connections, now.user_connections),
        cards={
            model: _back(before.cards.get(model), after.cards.get(model), now.cards.get(model))
            for model in {*before.cards, *after.cards, *now.cards}
        },
    )


def _back(before: Any, after: Any, now: Any) -> Any:
    return before if now == after else now


def _undone_connections(before: WebUiSettings, after: WebUiSettings, now: WebUiSettings) -> tuple[Connection, ...]:
    """First what was there, in its order, then what has come since by other hands."""
    old = {one.same_as: one for one in before.connections}
    ours = {one.same_as: one for one in after.connections}
    current = {one.same_as: one for one in now.connections}
    results = (_back(old.get(url), ours.get(url), current.get(url)) for url in {**old, **current})
    return tuple(one for one in results if one is not None)


# ---------------------------------------------------------------- what to say about it


def plan_findings(now: WebUiSettings, upstreams: Sequence[Upstream], wishes: Wishes) -> tuple[Finding, ...]:
    """Codes: webui_same_name (name), webui_prefixed (url, prefix), webui_name_elsewhere (name, url), webui_no_switch
    (switch), webui_no_user_connections, webui_tools_for_all, webui_no_endpoint."""
    return tuple(_plan_findings(now, upstreams, wishes))


def _plan_findings(now: WebUiSettings, upstreams: Sequence[Upstream], wishes: Wishes) -> Iterator[Finding]:
    if not upstreams:
        yield Finding("webui_no_endpoint", Severity.BLOCK, "endpoints")
    names = [upstream.served_name for upstream in upstreams]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Finding("webui_same_name", Severity.BLOCK, "endpoints", {"name": name})
    ours = {address for upstream in upstreams for address in _addresses(upstream)}
    for one in now.connections:
        if one.same_as in ours and one.config.get("prefix_id"):
            params = {"url": one.url, "prefix": str(one.config["prefix_id"])}
            yield Finding("webui_prefixed", Severity.BLOCK, "endpoints", params)
        for name in sorted(set(one.models) & set(names)) if one.same_as not in ours else ():
            yield Finding("webui_name_elsewhere", Severity.WARN, "endpoints", {"name": name, "url": one.url})
    for switch in Switch if wishes.quiet else ():
        if now.switches.get(switch) is None:
            yield Finding("webui_no_switch", Severity.NOTE, "quiet", {"switch": switch.value})
    if wishes.user_connections is not None and now.user_connections is None:
        yield Finding("webui_no_user_connections", Severity.WARN, "user_connections")
    others = [one for one in now.connections if one.same_as not in ours and one.key]
    turns_off = now.knows_builtin_tools and now.builtin_tools is not False
    if others and turns_off and any(upstream.parses_tools is not True for upstream in upstreams):
        yield Finding("webui_tools_for_all", Severity.WARN, None)
