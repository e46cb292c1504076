"""Small logic with four options: ten kinds, each answer found by rule or by trying every case."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import permutations, product
from typing import Any

from scripts.questions.question import Draw, Question

NAMES = (("Ann", "小安"), ("Bo", "小博"), ("Chen", "小陈"), ("Dora", "小朵"), ("Eli", "小毅"))
DAYS = (
    ("Monday", "星期一"),
    ("Tuesday", "星期二"),
    ("Wednesday", "星期三"),
    ("Thursday", "星期四"),
    ("Friday", "星期五"),
    ("Saturday", "星期六"),
    ("Sunday", "星期日"),
)
WINDS = (("north", "北"), ("east", "东"), ("south", "南"), ("west", "西"))


def chosen(draw: Draw, options: list[tuple[str, str]], right: tuple[str, str]) -> dict[str, Any]:
    """The options in a drawn order."""
    draw.shuffle(options)
    return {"options": tuple(options), "right": options.index(right)}


def heights(draw: Draw) -> Question:
    """Three comparisons, told in a drawn order, fix the order of four people."""
    people = draw.sample(NAMES, 4)
    place = draw.randrange(4)
    facts = [(people[index], people[index + 1]) for index in range(3)]
    draw.shuffle(facts)
    en = "; ".join(f"{taller[0]} is taller than {lower[0]}" for taller, lower in facts)
    zh = "；".join(f"{taller[1]}比{lower[1]}高" for taller, lower in facts)
    asked = (("tallest", "最高"), ("second tallest", "第二高"), ("second shortest", "第二矮"), ("shortest", "最矮"))[
        place
    ]
    orders = [order for order in permutations(people) if all(order.index(a) < order.index(b) for a, b in facts)]
    assert {order[place] for order in orders} == {people[place]}
    return Question(
        f"{en}. Who is the {asked[0]} of the four?",
        f"{zh}。四人中谁{asked[1]}？",
        **chosen(draw, list(people), people[place]),
    )


def weekday(draw: Draw) -> Question:
    today, days = draw.randrange(7), draw.choice([9, 16, 25, 38, 50, 73, 100])
    right = DAYS[(today + days) % 7]
    others = draw.sample([day for day in DAYS if day != right], 3)
    return Question(
        f"Today is {DAYS[today][0]}. Which day of the week is it in {days} days?",
        f"今天是{DAYS[today][1]}，再过 {days} 天是星期几？",
        **chosen(draw, [right, *others], right),
    )


def series(draw: Draw) -> Question:
    kind = draw.randrange(3)
    start, step = draw.randint(2, 9), draw.randint(3, 8)
    if kind == 0:
        numbers = [start + step * index for index in range(6)]
    elif kind == 1:
        numbers = [start * 2**index for index in range(6)]
    else:
        numbers = [start]
        for index in range(5):
            numbers.append(numbers[-1] + step + index)
    right = numbers.pop()
    wrong = draw.sample([value for value in range(right - 5, right + 6) if value != right and value > 0], 3)
    shown = ", ".join(map(str, numbers))
    return Question(
        f"Which number continues the series by its simplest rule? {shown}, …",
        f"按最简单的规律，下一个数是什么？{shown.replace(', ', '，')}，……",
        **chosen(draw, [(str(value), str(value)) for value in (right, *wrong)], (str(right), str(right))),
    )


def turns(draw: Draw) -> Question:
    facing = draw.randrange(4)
    moves = [draw.choice([1, -1, 2]) for _ in range(3)]
    right = WINDS[(facing + sum(moves)) % 4]
    en = {1: "right", -1: "left", 2: "around"}
    zh = {1: "向右转", -1: "向左转", 2: "向后转"}
    return Question(
        f"Bo faces {WINDS[facing][0]}. He turns {', then '.join(en[move] for move in moves)}. "
        "Which way does he face now?",
        f"小博面朝{WINDS[facing][1]}，先后{'、'.join(zh[move] for move in moves)}。现在他面朝哪个方向？",
        **chosen(draw, list(WINDS), right),
    )


KINDS = (
    (("dax", "达克"), ("wug", "乌格"), ("blick", "布里克")),
    (("zorn", "佐恩"), ("mip", "米普"), ("tarn", "塔恩")),
    (("fep", "费普"), ("gorp", "戈普"), ("lunt", "伦特")),
    (("kiv", "基夫"), ("rool", "鲁尔"), ("snaf", "斯纳夫")),
)


def syllogism(draw: Draw) -> Question:
    """Over every world of three things, exactly one of the four conclusions always holds."""
    (a, a_zh), (b, b_zh), (c, c_zh) = draw.sample(draw.choice(KINDS), 3)
    negative = draw.random() < 0.5
    premise = (
        (f"No {b} is a {c}", f"没有任何{b_zh}是{c_zh}")
        if negative
        else (f"Every {b} is a {c}", f"所有{b_zh}都是{c_zh}")
    )
    conclusions: list[tuple[tuple[str, str], Callable[[World], bool]]] = [
        ((f"Every {a} is a {c}", f"所有{a_zh}都是{c_zh}"), lambda world: all(z for x, _, z in world if x)),
        ((f"No {a} is a {c}", f"没有任何{a_zh}是{c_zh}"), lambda world: not any(x and z for x, _, z in world)),
        ((f"Every {c} is a {a}", f"所有{c_zh}都是{a_zh}"), lambda world: all(x for x, _, z in world if z)),
        ((f"Every {b} is a {a}", f"所有{b_zh}都是{a_zh}"), lambda world: all(x for x, y, _ in world if y)),
    ]
    worlds = [world for world in _worlds() if _holds(world, negative)]
    always = [text for text, holds in conclusions if all(holds(world) for world in worlds)]
    assert len(always) == 1
    return Question(
        f"There is at least one {a}. Every {a} is a {b}. {premise[0]}. Which conclusion must be true?",
        f"至少存在一个{a_zh}。所有{a_zh}都是{b_zh}。{premise[1]}。哪个结论一定成立？",
        **chosen(draw, [text for text, _ in conclusions], always[0]),
    )


World = tuple[tuple[bool, bool, bool], ...]


def _worlds() -> Iterator[World]:
    kinds = list(product([False, True], repeat=3))
    yield from product(kinds, repeat=3)


def _holds(world: World, negative: bool) -> bool:
    """The premises, for three things that are or are not an a, a b, a c."""
    some_a = any(x for x, _, _ in world)
    every_a_is_b = all(y for x, y, _ in world if x)
    second = not any(y and z for _, y, z in world) if negative else all(z for _, y, z in world if y)
    return some_a and every_a_is_b and second


def liars(draw: Draw) -> Question:
    """One of three said the truth and did not do it ... exactly one broke the vase, exactly one sentence is true."""
    while True:
        people = draw.sample(NAMES, 3)
        claims = [(speaker, draw.choice(people), draw.random() < 0.5) for speaker in people]
        fits = [doer for doer in people if sum((doer == about) == is_so for _, about, is_so in claims) == 1]
        if len(fits) == 1 and len({(about, is_so) for _, about, is_so in claims}) == 3:
            break
    en = " ".join(_said_en(speaker, about, is_so) for speaker, about, is_so in claims)
    zh = "".join(_said_zh(speaker, about, is_so) for speaker, about, is_so in claims)
    unsure = ("It cannot be told", "无法判断")
    return Question(
        f"One of three children broke the vase. {en} Exactly one of the three sentences is true. Who broke it?",
        f"三个孩子中有一个打碎了花瓶。{zh}三句话中恰有一句是真的。花瓶是谁打碎的？",
        **chosen(draw, [*people, unsure], fits[0]),
    )


def _said_en(speaker: tuple[str, str], about: tuple[str, str], is_so: bool) -> str:
    who = "I" if speaker == about else about[0]
    return f"{speaker[0]} says: “{who} did it.”" if is_so else f"{speaker[0]} says: “{who} did not do it.”"


def _said_zh(speaker: tuple[str, str], about: tuple[str, str], is_so: bool) -> str:
    who = "我" if speaker == about else about[1]
    return f"{speaker[1]}说：“是{who}打碎的。”" if is_so else f"{speaker[1]}说：“不是{who}打碎的。”"


RULES = (
    (("it rains", "下雨"), ("the street is wet", "街道会湿")),
    (("the alarm rings", "警报响起"), ("the door is locked", "门会锁上")),
    (("the battery is empty", "电池没电"), ("the lamp is dark", "灯不会亮")),
    (("the valve is open", "阀门打开"), ("water flows", "水会流出")),
)
DENIED = {
    "it rains": ("it does not rain", "没有下雨"),
    "the street is wet": ("the street is not wet", "街道没有湿"),
    "the alarm rings": ("the alarm does not ring", "警报没有响起"),
    "the door is locked": ("the door is not locked", "门没有锁上"),
    "the battery is empty": ("the battery is not empty", "电池有电"),
    "the lamp is dark": ("the lamp is not dark", "灯亮着"),
    "the valve is open": ("the valve is not open", "阀门没有打开"),
    "water flows": ("no water flows", "没有水流出"),
}
SEEN = {
    "it rains": "正在下雨",
    "the street is wet": "街道是湿的",
    "the alarm rings": "警报响起了",
    "the door is locked": "门锁上了",
    "the battery is empty": "电池没电了",
    "the lamp is dark": "灯没有亮",
    "the valve is open": "阀门打开了",
    "water flows": "有水流出",
}


def conditional(draw: Draw) -> Question:
    """If p then q, and one of p, not p, q, not q is seen: what follows, or nothing does."""
    (cause, cause_zh), (effect, effect_zh) = draw.choice(RULES)
    seen = draw.randrange(4)  # p, not p, q, not q
    told = (
        (cause, SEEN[cause]),
        DENIED[cause],
        (effect, SEEN[effect]),
        DENIED[effect],
    )[seen]
    about_effect = seen < 2
    asked = effect if about_effect else cause
    yes, no = (asked, SEEN[asked]), DENIED[asked]
    nothing = ("Nothing certain follows", "得不出确定的结论")
    never = ("The rule was broken", "规则被违反了")
    right = {0: yes, 1: nothing, 2: nothing, 3: no}[seen]
    options = [(yes[0].capitalize(), yes[1]), (no[0].capitalize(), no[1]), nothing, never]
    right = (right[0].capitalize(), right[1]) if right is not nothing else nothing
    return Question(
        f"The rule “If {cause}, then {effect}” always holds. Now {told[0]}. What follows?",
        f"规则“如果{cause_zh}，那么{effect_zh}”总是成立。现在{told[1]}。可以得出什么？",
        **chosen(draw, options, right),
    )


def shift(draw: Draw) -> Question:
    words = ("BOAT", "LAMP", "DESK", "WIND", "ROCK", "MILK", "FARM", "GOLD")
    sample, asked = draw.sample(words, 2)
    step = draw.randint(1, 4)

    def coded(word: str, by: int) -> str:
        return "".join(chr((ord(letter) - 65 + by) % 26 + 65) for letter in word)

    right = coded(asked, step)
    wrong = [coded(asked, -step), coded(asked, step + 1), coded(asked, step)[::-1]]
    return Question(
        f"In a code {sample} is written {coded(sample, step)}: every letter is moved on by the same number of places. "
        f"How is {asked} written?",
        f"在一种密码里，{sample} 写作 {coded(sample, step)}：每个字母都向后移动同样的位数。{asked} 写作什么？",
        **chosen(draw, [(word, word) for word in (right, *wrong)], (right, right)),
    )


def queue(draw: Draw) -> Question:
    front, back = draw.randint(3, 12), draw.randint(3, 12)
    right = front + back - 1
    wrong = [right - 1, right + 1, right + 2]
    return Question(
        f"In a queue Chen is number {front} from the front and number {back} from the back. "
        "How many people stand in it?",
        f"排队时，小陈从前数是第 {front} 个，从后数是第 {back} 个。这支队伍共有多少人？",
        **chosen(draw, [(str(value), str(value)) for value in (right, *wrong)], (str(right), str(right))),
    )


def socks(draw: Draw) -> Question:
    colours, each = draw.randint(3, 6), draw.choice([8, 10, 12])
    right = colours + 1
    wrong = [2, colours, each + 1]
    return Question(
        f"A drawer holds socks of {colours} colours, {each} of each colour. It is dark. How many socks must be taken "
        "out at least, to be sure of two of the same colour?",
        f"抽屉里有 {colours} 种颜色的袜子，每种 {each} 只。在黑暗中，至少取出多少只才能保证有两只同色？",
        **chosen(draw, [(str(value), str(value)) for value in (right, *wrong)], (str(right), str(right))),
    )


LOGIC: tuple[Callable[[Draw], Question], ...] = (
    heights,
    weekday,
    series,
    turns,
    syllogism,
    liars,
    conditional,
    shift,
    queue,
    socks,
)
