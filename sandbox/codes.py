"""The gateway's vocabulary: return codes, message states, and what they are called in Persian."""

from enum import IntEnum
from typing import Final

OK: Final = 200


class Status(IntEnum):
    """Where a text is."""

    QUEUED = 1
    SCHEDULED = 2
    SENT = 4  # handed to the carrier; 5 means the same
    SENT_TOO = 5
    FAILED = 6
    DELIVERED = 10
    UNDELIVERED = 11
    CANCELLED = 13
    BLOCKED = 14
    UNKNOWN_ID = 100


STATUS_TEXTS: Final = {
    Status.QUEUED: "در صف ارسال",
    Status.SCHEDULED: "زمان‌بندی شده",
    Status.SENT: "ارسال شده به مخابرات",
    Status.SENT_TOO: "ارسال شده به مخابرات",
    Status.FAILED: "خطا در ارسال",
    Status.DELIVERED: "رسیده به گیرنده",
    Status.UNDELIVERED: "نرسیده به گیرنده",
    Status.CANCELLED: "لغو شده",
    Status.BLOCKED: "مسدود شده از سوی گیرنده",
    Status.UNKNOWN_ID: "شناسه نامعتبر است",
}

RETURN_TEXTS: Final = {
    200: "تایید شد",
    400: "پارامترها ناقص است",
    401: "حساب کاربری غیرفعال است",
    402: "عملیات ناموفق بود",
    403: "کلید دسترسی معتبر نیست",
    404: "متد ناشناخته است",
    405: "متد Get/Post اشتباه است",
    406: "پارامتر اجباری خالی است",
    407: "دسترسی به این اطلاعات مجاز نیست",
    409: "سرور در حال حاضر پاسخ‌گو نیست",
    411: "گیرنده نامعتبر است",
    412: "فرستنده نامعتبر است",
    413: "پیام خالی یا بلندتر از حد مجاز است",
    414: "تعداد رکوردها بیش از حد مجاز است",
    417: "تاریخ ارسال معتبر نیست",
    418: "اعتبار حساب کافی نیست",
    419: "طول آرایه‌ها برابر نیست",
    420: "استفاده از لینک در متن محدود شده است",
    422: "متن نویسه‌ی نامناسب دارد",
    424: "الگو پیدا نشد یا تایید نشده است",
    426: "این متد به سرویس پیشرفته نیاز دارد",
    428: "ارسال کد با تماس صوتی ممکن نیست",
    429: "آی‌پی محدود شده است",
    431: "ساختار کد صحیح نیست",
    432: "پارامتر کد در الگو نیست",
    451: "فراخوانی بیش از حد در بازه‌ی مشخص",
    501: "فقط ارسال به شماره‌ی صاحب حساب ممکن است",
    604: "تعداد شماره‌ها بیش از حد مجاز است",
    607: "نام برچسب اشتباه است",
}


class Refused(Exception):
    """The call is answered with this return code and changes nothing."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code
