"""Our own chat: what was said, answers as they come, how fast they came. A conversation lives in the memory of its
browser session alone."""

from __future__ import annotations

from dataclasses import dataclass, field

import streamlit as st

from core.domain.chat import Answer, AnswerState, ChatParameters, Message
from core.domain.endpoint import Endpoint, Origin
from core.domain.job import Reason
from ui import session
from ui.act import act, guard
from ui.components.pieces import simulated_badge
from ui.markdown import from_model, plain

POLL_S = 0.35
MOST = 2
_TALK = "chat_talk"
_PICKED = "chat_endpoints"
_LED_TO = "chat_led_to"


@dataclass
class Turn:
    """One message and, for each endpoint that was asked, its answer's id."""

    text: str
    asked: dict[str, str] = field(default_factory=dict)


@dataclass
class Talk:
    """``ended``: answers that will not change any more."""

    turns: list[Turn] = field(default_factory=list)
    ended: dict[str, Answer] = field(default_factory=dict)


def talk() -> Talk:
    """Of this browser session."""
    found: Talk = st.session_state.setdefault(_TALK, Talk())
    return found


def pick(endpoints: tuple[Endpoint, ...]) -> list[Endpoint]:
    """One endpoint, or two side by side; a link that leads here names one. What was picked outlives other pages."""
    t, by_id = session.texts(), {one.id: one for one in endpoints}
    wanted = st.query_params.get("endpoint", "")
    if wanted in by_id and wanted != st.session_state.get(_LED_TO):
        st.session_state[_PICKED] = [wanted]
    elif _PICKED not in st.session_state:
        st.session_state[_PICKED] = list(by_id)[:1]
    st.session_state[_LED_TO] = wanted
    st.session_state[_PICKED] = [one for one in st.session_state[_PICKED] if one in by_id]
    picked = st.multiselect(
        t("page.chat.endpoints"),
        list(by_id),
        key=_PICKED,
        max_selections=MOST,
        format_func=lambda key: by_id[key].name,
        placeholder=t("page.chat.endpoints_placeholder"),
        help=t("page.chat.endpoints_help"),
        label_visibility="collapsed",
        persist_state="session",
    )
    return [by_id[key] for key in picked]


def parameters() -> ChatParameters:
    """What is sent along; nothing that nobody chose."""
    t = session.texts()
    with st.popover(t("page.chat.parameters"), icon=":material/tune:"):
        system = st.text_area(
            t("page.chat.system"),
            key="chat_system",
            height=80,
            help=t("page.chat.system_help"),
            persist_state="session",
        )
        max_tokens = st.number_input(
            t("page.chat.max_tokens"),
            1,
            1_000_000,
            ChatParameters.max_tokens,
            step=256,
            key="chat_max_tokens",
            help=t("page.chat.max_tokens_help"),
            persist_state="session",
        )
        temperature = _optional("temperature", 0.0, 2.0, 0.05)
        top_p = _optional("top_p", 0.0, 1.0, 0.01)
        seed = st.number_input(
            t("page.chat.seed"),
            0,
            2**31 - 1,
            None,
            key="chat_seed",
            placeholder=t("page.chat.own_default"),
            persist_state="session",
        )
    return ChatParameters(
        system, None if max_tokens is None else int(max_tokens), temperature, top_p, None if seed is None else int(seed)
    )


def _optional(name: str, least: float, most: float, step: float) -> float | None:
    """A number, or the server's own default: the empty field."""
    t = session.texts()
    return st.number_input(
        t(f"page.chat.{name}"),
        least,
        most,
        None,
        step=step,
        key=f"chat_{name}",
        placeholder=t("page.chat.own_default"),
        help=t("page.chat.temperature_help"),
        persist_state="session",
    )


def starters() -> str | None:
    """Something to begin with; what was clicked."""
    t = session.texts()
    offered = [t(f"page.chat.starter_{number}") for number in (1, 2, 3)]
    st.space("large")
    st.markdown(f":gray[{t('page.chat.starters')}]")
    return st.pills(t("page.chat.starters"), offered, key="chat_starters", label_visibility="collapsed")


def send(text: str, picked: list[Endpoint], chosen: ChatParameters) -> None:
    """Asks every picked endpoint; the page is then drawn anew with the answers under way."""
    turn = Turn(text)
    for endpoint in picked:
        messages = [*_said(endpoint.id), Message("user", text)]
        begun = act(session.app().chat.ask, session.actor(), endpoint.id, messages, chosen)
        if begun:
            turn.asked[endpoint.id] = begun.value.id
    if turn.asked:
        talk().turns.append(turn)
        st.rerun()


def _said(endpoint_id: str) -> list[Message]:
    """What this endpoint has been told and has answered; reasoning is not sent back."""
    messages: list[Message] = []
    for turn in talk().turns:
        answer = talk().ended.get(turn.asked.get(endpoint_id, ""))
        if answer is not None and answer.content:
            messages += [Message("user", turn.text), Message("assistant", answer.content)]
    return messages


def under_way() -> list[str]:
    """Answers that are still coming; also of an endpoint that is not picked any more, whose answer nobody draws."""
    last = talk().turns[-1].asked if talk().turns else {}
    return [answer_id for endpoint_id, answer_id in last.items() if _answer(endpoint_id, answer_id).state.is_active]


def _answer(endpoint_id: str, answer_id: str) -> Answer:
    """As far as it has come; kept once it has ended."""
    answer = talk().ended.get(answer_id) or session.app().chat.find(session.actor(), answer_id)
    if answer is None:
        answer = Answer(answer_id, endpoint_id, AnswerState.FAILED, reason=Reason("chat_forgotten"))
    if not answer.state.is_active:
        talk().ended[answer_id] = answer
    return answer


def conversation(picked: list[Endpoint]) -> None:
    """Every turn; the last one follows by itself while it is being answered."""
    turns = talk().turns
    for turn in turns[:-1]:
        _turn(turn, picked)
    if turns:
        busy = bool(under_way())
        st.fragment(_last, run_every=POLL_S if busy else None)(picked, busy=busy)


def _last(picked: list[Endpoint], *, busy: bool) -> None:
    """``busy``: the page around it shows an answer under way."""
    with guard():
        _turn(talk().turns[-1], picked)
        if busy and not under_way():
            st.rerun()


def _turn(turn: Turn, picked: list[Endpoint]) -> None:
    with st.chat_message("user", avatar=":material/person:"):
        st.markdown(plain(turn.text))
    shown = [one for one in picked if one.id in turn.asked] or [_gone(key) for key in turn.asked]
    columns = st.columns(len(shown)) if len(shown) > 1 else [st.container()]
    for column, endpoint in zip(columns, shown, strict=True):
        with column:
            _one_answer(endpoint, turn.asked[endpoint.id], named=len(shown) > 1 or len(turn.asked) > 1)


def _gone(endpoint_id: str) -> Endpoint:
    """One that is not picked any more: its answers stay."""
    return session.app().endpoints.get(endpoint_id)


def _one_answer(endpoint: Endpoint, answer_id: str, *, named: bool) -> None:
    answer = _answer(endpoint.id, answer_id)
    with st.chat_message("assistant", avatar=":material/smart_toy:"):
        if named or endpoint.origin is Origin.SIMULATED:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{plain(endpoint.name)}**", width="content")
                if endpoint.origin is Origin.SIMULATED:
                    simulated_badge()
        _text(answer)
        _figures(answer)


def _text(answer: Answer) -> None:
    t = session.texts()
    if answer.state is AnswerState.WAITING:
        st.markdown(f":gray[:material/hourglass_empty: {t('page.chat.waiting')}]")
    if answer.reasoning.strip():
        thinking = answer.state.is_active and not answer.content.strip()
        label = t("page.chat.thinking" if thinking else "page.chat.reasoning")
        with st.expander(
            label, icon=":material/neurology:", expanded=thinking, key=f"reasoning_{answer.id}_{thinking}"
        ):
            st.markdown(from_model(answer.reasoning))
    if answer.content.strip():
        st.markdown(from_model(answer.content))
    elif answer.state is AnswerState.DONE:
        st.markdown(f":orange[{t('page.chat.only_reasoning' if answer.reasoning else 'page.chat.empty_answer')}]")
    if answer.reason is not None:
        st.error(plain(t.reason(answer.reason)), icon=":material/error:")


def _figures(answer: Answer) -> None:
    """TTFT, tokens a second and counts, as far as they are known."""
    t = session.texts()
    parts = []
    if answer.ttft_ms is not None:
        parts.append(t("page.chat.ttft", value=t.ms(answer.ttft_ms)))
    if answer.tokens_per_s is not None:
        parts.append(t("page.chat.speed", value=t.tokens_per_s(answer.tokens_per_s)))
    if answer.output_tokens is not None:
        parts.append(t("page.chat.tokens", count=t.number(answer.output_tokens)))
    if answer.ttft_ms is not None:
        parts.append(t("page.chat.took", span=t.duration(answer.duration_s)))
    if answer.state is AnswerState.STOPPED:
        parts.append(t("page.chat.stopped"))
    if answer.finish_reason == "length":
        parts.append(t("page.chat.cut_off"))
    if parts:
        st.caption(plain(" · ".join(parts)), help=t("page.chat.ttft_help"))


def stop_all() -> None:
    """Hangs up on every answer that is under way."""
    for answer_id in under_way():
        act(session.app().chat.stop, session.actor(), answer_id)


def as_markdown(names: dict[str, str]) -> str:
    """The whole conversation, for the person's own machine. ``names``: of endpoints, by id."""
    t, parts = session.texts(), []
    for turn in talk().turns:
        parts.append(f"**{t('page.chat.you')}**\n\n{turn.text}")
        for endpoint_id, answer_id in turn.asked.items():
            answer = talk().ended.get(answer_id)
            if answer is not None:
                parts.append(f"**{names.get(endpoint_id, endpoint_id)}**\n\n{answer.content}")
    return "\n\n---\n\n".join(parts) + "\n"


def begin_anew() -> None:
    """Forgets the conversation."""
    stop_all()
    st.session_state.pop(_TALK, None)
