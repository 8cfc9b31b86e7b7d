"""Who works in the demonstration clinic and who comes to it. Nobody here exists."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

SLUG = "aramesh"
NAME = "کلینیک آرامش"
PHONE = "۰۲۱-۸۸۰۰۱۱۲۲"
ADDRESS = "تهران، خیابان ولیعصر، بالاتر از میدان ونک، کوچه‌ی نگار، شماره‌ی ۱۴"
ONLINE_ROOM = "https://online.aramesh.example/room"

#: The first file number.
FIRST_FILE = 2401
#: Jalali year: who was born in it or later is spoken to without an honorific.
CHILD_BORN_FROM = 1388
_NOON = dt.time(12)


@dataclass(frozen=True, slots=True)
class ServiceFacts:
    name: str
    minutes: int
    price_toman: int
    rhythm_days: int = 7


INDIVIDUAL = ServiceFacts("مشاوره‌ی فردی", 50, 950_000)
COUPLE = ServiceFacts("زوج‌درمانی", 75, 1_450_000)
FAMILY = ServiceFacts("مشاوره‌ی خانواده", 75, 1_450_000, rhythm_days=14)
CHILD = ServiceFacts("مشاوره‌ی کودک و نوجوان", 45, 850_000)
ASSESSMENT = ServiceFacts("ارزیابی و آزمون روان‌شناختی", 80, 1_800_000)
ONLINE = ServiceFacts("مشاوره‌ی آنلاین", 50, 900_000)
SERVICES = (INDIVIDUAL, COUPLE, FAMILY, CHILD, ASSESSMENT, ONLINE)


SUN, LILY, PLAY, TALK = "اتاق آفتاب", "اتاق نیلوفر", "اتاق بازی", "اتاق گفت‌وگو"
ROOMS = (SUN, LILY, PLAY, TALK)


@dataclass(frozen=True, slots=True, eq=False)
class TherapistFacts:
    """`hours`: weekday (Saturday is 0) → the clock times at which a session can begin.

    `room` is the therapist's own, and `mornings_in` another one before noon; who meets clients
    online has none.
    """

    name: str
    title: str
    service: ServiceFacts
    hours: dict[int, str]
    room: str = ""
    mornings_in: str = ""

    def room_at(self, clock: dt.time) -> str:
        return self.mornings_in if self.mornings_in and clock < _NOON else self.room


SADEGHI = TherapistFacts(
    "دکتر نگار صادقی",
    "خانم دکتر صادقی",
    INDIVIDUAL,
    dict.fromkeys((0, 1, 2, 4), "15:00 16:00 17:00 18:00 19:00"),
    room=SUN,
)
RASTEGAR = TherapistFacts(
    "دکتر بهزاد رستگار",
    "آقای دکتر رستگار",
    COUPLE,
    {**dict.fromkeys((1, 3), "14:00 15:30 17:00 18:30"), 5: "09:00 10:30"},
    room=TALK,
)
SHARIFI = TherapistFacts(
    "مینا شریفی",
    "خانم شریفی",
    CHILD,
    {**dict.fromkeys((0, 3, 4), "15:30 16:30 17:30 18:30"), 5: "09:00 10:00 11:00"},
    room=PLAY,
)
AMINI = TherapistFacts(
    "دکتر کاوه امینی",
    "آقای دکتر امینی",
    INDIVIDUAL,
    dict.fromkeys((1, 2, 3), "10:00 11:30 16:00 17:30"),
    room=LILY,
    mornings_in=SUN,
)
TAVAKOLI = TherapistFacts(
    "الهام توکلی",
    "خانم توکلی",
    ONLINE,
    {**dict.fromkeys((0, 1, 2, 4), "09:00 10:00 11:00"), 3: "12:00 13:00"},
)
THERAPISTS = (SADEGHI, RASTEGAR, SHARIFI, AMINI, TAVAKOLI)


class Rhythm(StrEnum):
    WEEKLY = "w"
    FORTNIGHTLY = "b"
    NEW = "n"  # weekly, for a few weeks now
    ENDED = "e"  # weekly until some weeks ago
    FREE = "f"  # comes when it suits


@dataclass(frozen=True, slots=True)
class Person:
    file_no: int
    first_name: str
    last_name: str
    female: bool
    born: int
    rhythm: Rhythm
    therapist: TherapistFacts
    service: ServiceFacts
    phone: str
    #: Comes with the person of this file number, as a couple does.
    partner: int | None = None

    @property
    def honorific(self) -> str:
        if self.born >= CHILD_BORN_FROM:
            return ""
        return "خانم" if self.female else "آقای"


# First name, family name, sex, Jalali year of birth, rhythm; + comes with the person before.
_LISTS = {
    SADEGHI: """
        مریم کریمی f 1368 w
        سارا احمدی f 1374 w
        محمدرضا حسینی m 1365 w
        فاطمه موسوی f 1379 w
        نازنین جعفری f 1372 w
        امیرحسین کاظمی m 1377 w
        سمیه قاسمی f 1363 w
        پریسا نوری f 1370 w
        حمید اکبری m 1359 b
        شیما وکیلی f 1367 w
        زهرا میرزایی f 1381 n
        رضا سلطانی m 1371 e
        ندا فرهادی f 1376 e
        آرزو یزدانی f 1373 f
        پویا شمس m 1378 w
        لیلا بهرامی f 1356 b
    """,
    RASTEGAR: """
        علی رحیمی m 1366 w
        مهسا پورمحمدی f 1370 w+
        بابک رفیعی m 1361 w
        هدیه عسگری f 1364 w+
        سینا مرادی m 1372 w
        الناز قربانی f 1374 w+
        کامران دهقان m 1357 b
        ژاله طالبی f 1360 b+
        منصوره حیدری f 1354 w
        جواد صفری m 1351 w
        عباس طاهری m 1338 w
        فرزانه شهابی f 1369 e
        آرش ملکی m 1373 f
    """,
    SHARIFI: """
        هستی نوروزی f 1394 w
        آرین خسروی m 1396 w
        باران اسدی f 1393 w
        پارسا جمشیدی m 1391 w
        نیکی صابری f 1395 w
        محمدمهدی بیات m 1390 w
        یاسمن تقوی f 1388 w
        سپهر نجفی m 1392 w
        آوا رضایی f 1397 w
        کیان محمودی m 1394 n
        ترانه فتحی f 1389 n
        بردیا کریم‌زاده m 1393 e
        رها امیری f 1391 f
    """,
    AMINI: """
        مهدی نظری m 1369 w
        نسرین قائمی f 1358 w
        حسین باقری m 1366 w
        الهه سعیدی f 1375 w
        شهرام کیانی m 1352 w
        فریبا حکیمی f 1361 b
        امید زارع m 1382 n
        مائده صادقیان f 1380 e
        کیوان افشار m 1373 n
        ساناز مظفری f 1377 f
    """,
    TAVAKOLI: """
        شادی معتمدی f 1370 w
        بهنام ولی‌زاده m 1367 w
        نگین آقایی f 1378 w
        سعید روشن m 1362 w
        غزاله پاکزاد f 1376 w
        مجتبی هاشمی m 1371 b
        رؤیا درویش f 1368 n
        فرشاد نیک‌نام m 1375 e
    """,
}

_FAMILIES = {"منصوره حیدری", "جواد صفری", "عباس طاهری"}
_ASSESSED = {"کیوان افشار", "ساناز مظفری"}

NO_PHONE = "عباس طاهری"
REFUSED = "شیما وکیلی"
#: The child's file has the mother's number.
MOTHER, HER_CHILD = "سمیه قاسمی", "هستی نوروزی"
# The sandbox decides a text's fate by the end of the number: never arrives; blocked by its owner.
_ENDS = {"سارا احمدی": "0011", "حسین باقری": "0014"}
_PREFIXES = ("912", "919", "935", "936", "910", "990")


def everybody() -> list[Person]:
    return list(_people())


def _people() -> Iterator[Person]:
    file_no = FIRST_FILE
    for therapist, lines in _LISTS.items():
        for line in lines.strip().splitlines():
            first, last, sex, born, rhythm = line.split()
            name = f"{first} {last}"
            yield Person(
                file_no=file_no,
                first_name=first,
                last_name=last,
                female=sex == "f",
                born=int(born),
                rhythm=Rhythm(rhythm[0]),
                therapist=therapist,
                service=_service(name, therapist),
                phone=_phone(name, file_no),
                partner=file_no - 1 if rhythm.endswith("+") else None,
            )
            file_no += 1


def _service(name: str, therapist: TherapistFacts) -> ServiceFacts:
    if name in _FAMILIES:
        return FAMILY
    return ASSESSMENT if name in _ASSESSED else therapist.service


def _phone(name: str, file_no: int) -> str:
    """A number that looks like one. No operator has given out any that goes on with 000."""
    if name == NO_PHONE:
        return ""
    if name == HER_CHILD:
        return next(p.phone for p in _people() if f"{p.first_name} {p.last_name}" == MOTHER)
    end = _ENDS.get(name) or f"{1200 + file_no * 37 % 8000:04d}"
    return f"0{_PREFIXES[file_no % len(_PREFIXES)]}000{end}"


@dataclass(frozen=True, slots=True)
class Staff:
    key: str
    role: str
    email: str
    full_name: str
    therapist: TherapistFacts | None = None


STAFF = (
    Staff("owner", "owner", "owner@aramesh.example", "شهلا آذرنوش"),
    Staff("reception", "receptionist", "reception@aramesh.example", "نرگس رحمانی"),
    Staff("therapist", "therapist", "therapist@aramesh.example", SADEGHI.name, SADEGHI),
)
OPERATOR = Staff("operator", "", "operator@peygir.example", "راهبر سامانه")
