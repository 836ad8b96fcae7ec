"""The world by its keys: look-ups and the few changes that keep its indexes true."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator

from channels.emulator.clock import Clock
from channels.emulator.ids import IdMint, bsuid
from channels.emulator.settings import EmulatorSettings, NumberSettings, UserSettings
from channels.emulator.state import Media, Message, Number, Template, Thread, User

UPLOAD_LIFE_S = 30 * 86_400.0  # media a business uploaded
INBOUND_MEDIA_LIFE_S = 7 * 86_400.0  # media of a webhook


class World:
    """Everything there is; nothing here waits, sends or decides."""

    def __init__(self, settings: EmulatorSettings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self.mint = IdMint(settings.seed)
        self.numbers: dict[str, Number] = {}
        self.users: dict[str, User] = {}
        self.threads: dict[tuple[str, str], Thread] = {}
        self.messages: dict[str, Message] = {}
        self.media: dict[str, Media] = {}
        self.templates: dict[str, Template] = {}
        self.seq = 0
        self._by_bsuid: dict[str, str] = {}
        self._threads_of: dict[str, list[Thread]] = defaultdict(list)
        for number in settings.numbers:
            self.add_number(number)
        for user in settings.users:
            self.add_user(user)
        for template in settings.templates:
            self.put_template(
                Template(
                    id=self.mint.number(16),
                    waba_id=template.waba_id,
                    name=template.name,
                    language=template.language,
                    category=template.category,
                    parameter_format=template.parameter_format,
                    components=template.components,
                    status=template.status,
                    quality=template.quality,
                    rejected_reason=template.rejected_reason,
                )
            )

    def add_number(self, settings: NumberSettings) -> Number:
        number = Number(settings, settings.webhook_url or self.settings.webhook_url, settings.quality)
        number.profile = {
            "about": "",
            "description": settings.name,
            "vertical": "OTHER",
            "messaging_product": "whatsapp",
        }
        self.numbers[settings.phone_number_id] = number
        return number

    def add_user(self, settings: UserSettings) -> User:
        """Adds a person, or replaces what was known of them under this wa_id."""
        user = User(
            settings.wa_id,
            settings.name or settings.wa_id,
            username=settings.username,
            hide_phone=settings.hide_phone,
            auto_read=settings.auto_read,
            online=settings.online,
        )
        first = next(iter(self.numbers.values()), None)
        if settings.user_id and first is not None:
            user.bsuids[first.settings.portfolio] = settings.user_id
        self.put_user(user)
        return user

    def put_user(self, user: User) -> None:
        self.users[user.wa_id] = user
        for portfolio in {n.settings.portfolio for n in self.numbers.values()}:
            user.bsuids.setdefault(portfolio, bsuid(user.wa_id, portfolio))
        for value in user.bsuids.values():
            self._by_bsuid[value] = user.wa_id

    def remove_user(self, wa_id: str) -> None:
        user = self.users.pop(wa_id)
        for value in user.bsuids.values():
            self._by_bsuid.pop(value, None)

    def bsuid_for(self, user: User, number: Number) -> str:
        return user.bsuids[number.settings.portfolio]

    def user_by_bsuid(self, value: str, number: Number) -> User | None:
        """None also for a BSUID of another portfolio: it means nothing to this number."""
        user = self.users.get(self._by_bsuid.get(value, ""))
        return user if user is not None and user.bsuids.get(number.settings.portfolio) == value else None

    def thread(self, phone_number_id: str, wa_id: str) -> Thread:
        thread = self.threads.get((phone_number_id, wa_id))
        if thread is None:
            thread = self.threads[phone_number_id, wa_id] = Thread(phone_number_id, wa_id)
            self._threads_of[wa_id].append(thread)
        return thread

    def threads_of(self, wa_id: str) -> list[Thread]:
        return self._threads_of.get(wa_id, [])

    def put_message(self, message: Message) -> None:
        self.messages[message.id] = message
        self.thread(message.phone_number_id, message.wa_id).messages.append(message)
        self.seq = max(self.seq, message.seq)

    def forget_chats(self) -> None:
        self.messages.clear()
        self.threads.clear()
        self._threads_of.clear()
        self.media.clear()

    def next_seq(self) -> int:
        self.seq += 1
        return self.seq

    def add_media(
        self,
        content: bytes,
        mime_type: str,
        *,
        filename: str | None = None,
        phone_number_id: str | None = None,
        voice: bool = False,
    ) -> Media:
        life_s = UPLOAD_LIFE_S if phone_number_id else INBOUND_MEDIA_LIFE_S
        media = Media(
            id=self.mint.number(16),
            phone_number_id=phone_number_id,
            mime_type=mime_type,
            content=content,
            sha256=hashlib.sha256(content).hexdigest(),
            filename=filename,
            expires_at=self.clock.now() + life_s,
            voice=voice,
        )
        self.media[media.id] = media
        return media

    def put_template(self, template: Template) -> None:
        self.templates[template.id] = template

    def templates_of(self, waba_id: str, name: str | None = None) -> Iterator[Template]:
        return (t for t in self.templates.values() if t.waba_id == waba_id and name in (None, t.name))

    def numbers_of_waba(self, waba_id: str) -> list[Number]:
        return [n for n in self.numbers.values() if n.settings.waba_id == waba_id]
