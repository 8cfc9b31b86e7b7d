"""Names of days and months, as written and as recognised."""

from clinic.text import fold

WEEKDAYS_FA = ("شنبه", "یکشنبه", "دوشنبه", "سه‌شنبه", "چهارشنبه", "پنجشنبه", "جمعه")
WEEKDAYS_EN = ("Saturday", "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
MONTHS_FA = (
    *("فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور"),
    *("مهر", "آبان", "آذر", "دی", "بهمن", "اسفند"),
)
MONTHS_EN = (
    *("Farvardin", "Ordibehesht", "Khordad", "Tir", "Mordad", "Shahrivar"),
    *("Mehr", "Aban", "Azar", "Dey", "Bahman", "Esfand"),
)
_GREGORIAN_MONTHS = (
    *("january jan ژانویه", "february feb فوریه", "march mar مارس", "april apr آوریل"),
    *("may مه می", "june jun ژوئن", "july jul ژوئیه جولای", "august aug اوت آگوست"),
    *("september sep سپتامبر", "october oct اکتبر", "november nov نوامبر"),
    "december dec دسامبر",
)
RELATIVE_FA = {-2: "پریروز", -1: "دیروز", 0: "امروز", 1: "فردا", 2: "پس‌فردا"}
RELATIVE_EN = {-1: "yesterday", 0: "today", 1: "tomorrow"}

WEEKDAY_NUMBERS = {fold(name): n for n, name in enumerate(WEEKDAYS_FA)} | {
    fold(name): n for n, name in enumerate(WEEKDAYS_EN)
}
# Month names of both calendars: (is Jalali, number).
MONTH_NUMBERS = {
    fold(name): (True, n)
    for names in (MONTHS_FA, MONTHS_EN)
    for n, name in enumerate(names, start=1)
} | {
    fold(name): (False, n)
    for n, names in enumerate(_GREGORIAN_MONTHS, start=1)
    for name in names.split()
}
