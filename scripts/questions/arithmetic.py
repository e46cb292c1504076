"""Sums in words: fifteen kinds, the values drawn, the answers computed."""

from __future__ import annotations

from collections.abc import Callable

from scripts.questions.question import Draw, Question


def shopping(draw: Draw) -> Question:
    pens, price, paid = draw.randint(3, 9), draw.randint(2, 7), 100
    cost = pens * price
    return Question(
        f"A pen costs {price} yuan. Lin buys {pens} pens and pays with a {paid}-yuan note. "
        "How many yuan of change does he get?",
        f"一支笔 {price} 元。小林买了 {pens} 支，付了一张 {paid} 元的纸币。应找回多少元？",
        paid - cost,
        (f"{pens}*{price}={cost}", f"{paid}-{cost}={paid - cost}"),
    )


def train(draw: Draw) -> Question:
    speed, hours, rest = draw.choice([60, 80, 90, 120]), draw.randint(2, 5), draw.randint(15, 95)
    gone = speed * hours
    return Question(
        f"A train runs at {speed} km/h for {hours} hours and is then still {rest} km from its destination. "
        "How many kilometres long is the whole journey?",
        f"一列火车以每小时 {speed} 千米的速度行驶了 {hours} 小时，此时距终点还有 {rest} 千米。全程共多少千米？",
        gone + rest,
        (f"{speed}*{hours}={gone}", f"{gone}+{rest}={gone + rest}"),
    )


def rectangle(draw: Draw) -> Question:
    width, longer = draw.randint(4, 15), draw.randint(2, 9)
    length = width + longer
    area = width * length
    return Question(
        f"A rectangle is {width} m wide, and its length is {longer} m more than its width. "
        "What is its area in square metres?",
        f"一个长方形宽 {width} 米，长比宽多 {longer} 米。它的面积是多少平方米？",
        area,
        (f"{width}+{longer}={length}", f"{width}*{length}={area}"),
    )


def average(draw: Draw) -> Question:
    first, second, mean = draw.randint(60, 80), draw.randint(60, 95), draw.randint(75, 80)
    total = 3 * mean
    left = total - first
    return Question(
        f"The average of three test scores is {mean}. Two of them are {first} and {second}. What is the third?",
        f"三次测验的平均分是 {mean} 分，其中两次分别是 {first} 分和 {second} 分。第三次是多少分？",
        left - second,
        (f"3*{mean}={total}", f"{total}-{first}={left}", f"{left}-{second}={left - second}"),
    )


def discount(draw: Draw) -> Question:
    price, off = draw.choice([80, 120, 160, 240, 360]), draw.choice([10, 20, 25, 30])
    saved = price * off // 100
    return Question(
        f"A jacket costs {price} yuan and is reduced by {off} %. What does it cost now, in yuan?",
        f"一件外套原价 {price} 元，现降价 {off}%。现价多少元？",
        price - saved,
        (f"{price}*{off}/100={saved}", f"{price}-{saved}={price - saved}"),
    )


def buses(draw: Draw) -> Question:
    seats, full, more = draw.choice([32, 40, 45, 48]), draw.randint(3, 8), draw.randint(3, 29)
    people = seats * full + more
    return Question(
        f"{people} people travel in buses with {seats} seats each. Everybody gets a seat. "
        "How many buses are needed at least?",
        f"{people} 人乘大巴出行，每辆大巴有 {seats} 个座位，每人都要有座。至少需要多少辆大巴？",
        full + 1,
        (f"({people}-1)//{seats}={full}", f"{full}+1={full + 1}"),
    )


def ages(draw: Draw) -> Question:
    child, times, years = draw.randint(5, 11), draw.randint(3, 5), draw.randint(4, 12)
    parent = child * times
    return Question(
        f"Mei is {child} years old, and her father is {times} times as old. "
        f"How old will her father be in {years} years?",
        f"小美今年 {child} 岁，爸爸的年龄是她的 {times} 倍。{years} 年后爸爸多少岁？",
        parent + years,
        (f"{child}*{times}={parent}", f"{parent}+{years}={parent + years}"),
    )


def factory(draw: Draw) -> Question:
    machines, per_hour, hours, bad = draw.randint(3, 8), draw.randint(12, 30), draw.randint(4, 8), draw.randint(5, 40)
    rate = machines * per_hour
    made = rate * hours
    return Question(
        f"{machines} machines each make {per_hour} parts an hour. In {hours} hours, {bad} of all the parts they make "
        "are faulty. How many are good?",
        f"{machines} 台机器每台每小时生产 {per_hour} 个零件。{hours} 小时里生产的零件中有 {bad} 个不合格。"
        "合格的有多少个？",
        made - bad,
        (f"{machines}*{per_hour}={rate}", f"{rate}*{hours}={made}", f"{made}-{bad}={made - bad}"),
    )


def shares(draw: Draw) -> Question:
    each, children, kept = draw.randint(6, 15), draw.randint(4, 9), draw.randint(2, 8)
    given = each * children
    total = given + kept
    return Question(
        f"A teacher has {total} stickers, keeps {kept} and shares the rest equally among {children} children. "
        "How many does each child get?",
        f"老师有 {total} 张贴纸，自己留下 {kept} 张，其余平均分给 {children} 个孩子。每个孩子得到多少张？",
        each,
        (f"{total}-{kept}={given}", f"{given}/{children}={each}"),
    )


def tank(draw: Draw) -> Question:
    start, inflow, outflow, minutes = draw.randint(40, 90), draw.randint(9, 15), draw.randint(2, 7), draw.randint(6, 14)
    net = inflow - outflow
    gain = net * minutes
    return Question(
        f"A tank holds {start} litres. Every minute {inflow} litres flow in and {outflow} litres flow out. "
        f"How many litres does it hold after {minutes} minutes?",
        f"水箱里有 {start} 升水。每分钟流入 {inflow} 升，同时流出 {outflow} 升。{minutes} 分钟后水箱里有多少升水？",
        start + gain,
        (f"{inflow}-{outflow}={net}", f"{net}*{minutes}={gain}", f"{start}+{gain}={start + gain}"),
    )


def chickens(draw: Draw) -> Question:
    rabbits, hens = draw.randint(3, 12), draw.randint(4, 15)
    heads, legs = rabbits + hens, 4 * rabbits + 2 * hens
    return Question(
        f"Hens and rabbits share a cage: {heads} heads and {legs} legs in all. How many rabbits are there?",
        f"鸡兔同笼，共有 {heads} 个头、{legs} 条腿。笼中有多少只兔子？",
        rabbits,
        (
            f"2*{heads}={2 * heads}",
            f"{legs}-{2 * heads}={legs - 2 * heads}",
            f"{legs - 2 * heads}/2={rabbits}",
        ),
    )


def clock(draw: Draw) -> Question:
    hours, minutes, extra = draw.randint(1, 3), draw.choice([10, 15, 20, 35, 40]), draw.randint(12, 48)
    film = hours * 60 + minutes
    return Question(
        f"A film lasts {hours} h {minutes} min, and there are {extra} minutes of advertising before it. "
        "How many minutes is that together?",
        f"一部电影片长 {hours} 小时 {minutes} 分钟，放映前还有 {extra} 分钟广告。一共多少分钟？",
        film + extra,
        (f"{hours}*60={hours * 60}", f"{hours * 60}+{minutes}={film}", f"{film}+{extra}={film + extra}"),
    )


def tiles(draw: Draw) -> Question:
    side, tile = draw.choice([4, 6, 8, 12]), draw.choice([20, 40, 50])
    per_side = side * 100 // tile
    return Question(
        f"A square floor with sides of {side} m is to be covered with square tiles with sides of {tile} cm. "
        "How many tiles are needed?",
        f"一块边长 {side} 米的正方形地面要铺边长 {tile} 厘米的正方形地砖。需要多少块地砖？",
        per_side * per_side,
        (f"{side}*100={side * 100}", f"{side * 100}/{tile}={per_side}", f"{per_side}*{per_side}={per_side * per_side}"),
    )


def reading(draw: Draw) -> Question:
    perday, days, more = draw.randint(12, 24), draw.randint(5, 9), draw.randint(3, 8)
    first = perday * days
    faster = perday + more
    second = faster * 3
    return Question(
        f"Yu reads {perday} pages a day for {days} days, then {more} pages a day more than before for 3 days, and the "
        "book is finished. How many pages does it have?",
        f"小宇先每天读 {perday} 页，读了 {days} 天；之后每天多读 {more} 页，又读了 3 天，正好读完。这本书共多少页？",
        first + second,
        (
            f"{perday}*{days}={first}",
            f"{perday}+{more}={faster}",
            f"{faster}*3={second}",
            f"{first}+{second}={first + second}",
        ),
    )


def expression(draw: Draw) -> Question:
    first, second, third = draw.randint(13, 49), draw.randint(6, 19), draw.randint(24, 99)
    made = first * second
    return Question(
        f"What is {first} × {second} − {third}?",
        f"计算：{first} × {second} − {third} = ?",
        made - third,
        (f"{first}*{second}={made}", f"{made}-{third}={made - third}"),
    )


ARITHMETIC: tuple[Callable[[Draw], Question], ...] = (
    shopping,
    train,
    rectangle,
    average,
    discount,
    buses,
    ages,
    factory,
    shares,
    tank,
    chickens,
    clock,
    tiles,
    reading,
    expression,
)
