"""Rooms, their PINs, their participants and the tokens that hold these in the room.

Pure but for random numbers: the time comes in, what others must hear goes out through `publish`.
Tokens belong to this node alone: another node answers "Invalid token", which is why a proxy must
keep a client on its node.
"""

import base64
import hmac
import secrets
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

HOST, GUEST = "HOST", "GUEST"
NO_PIN = "none"  # what a guest sends to a room where only hosts have a PIN

PIN_LOCK_WINDOW_SECONDS = 600
MAX_PARTICIPANTS = 500
MAX_DISPLAY_NAME = 250
TOKEN_BYTES = 49  # not a multiple of 3, so that tokens end in '=' as the real ones may


@dataclass
class Participant:
    display_name: str
    role: str
    start_time: float
    uuid: str = field(default_factory=lambda: str(uuid.uuid4()))
    presenting: bool = False

    def public(self) -> dict:
        """The participant object as clients see it."""
        return {
            "uuid": self.uuid,
            "display_name": self.display_name,
            "overlay_text": self.display_name,
            "role": "chair" if self.role == HOST else "guest",
            "service_type": "conference",
            "protocol": "api",
            "call_direction": "in",
            "has_media": False,
            "is_muted": "NO",
            "is_video_muted": False,
            "is_presenting": "YES" if self.presenting else "NO",
            "start_time": self.start_time,
        }


@dataclass
class Room:
    alias: str
    pin: str | None = None
    guest_pin: str | None = None  # None: one PIN for all, "": guests need none
    participants: dict[str, Participant] = field(default_factory=dict)
    wrong_pins: deque[float] = field(default_factory=deque)

    def challenge(self) -> dict:
        return {"pin": "required", "guest_pin": "none" if self.guest_pin == "" else "required"}

    def role_for(self, pin: str) -> str | None:
        if same(pin, self.pin or ""):
            return HOST
        if self.guest_pin and same(pin, self.guest_pin):
            return GUEST
        if self.guest_pin == "" and pin == NO_PIN:
            return GUEST
        return None


@dataclass
class Token:
    value: str
    room: Room
    participant: Participant
    expires: float


@dataclass(frozen=True)
class Refusal:
    http_status: int
    result: object
    status: str = "failure"


INVALID_TOKEN = Refusal(403, "Invalid token")


class Rooms:
    def __init__(self, rooms: Iterable[Room], receptions: set[str],
                 publish: Callable[..., None], token_life: float,
                 pin_lock: int, wrong_pin_answer: str):
        self._rooms = {room.alias.lower(): room for room in rooms}
        self._receptions = {alias.lower() for alias in receptions}
        self._publish = publish
        self._pin_lock = pin_lock
        self._tokens: dict[str, Token] = {}
        self.token_life = token_life
        self.wrong_pin_answer = wrong_pin_answer

    def join(self, alias: str, pin: str | None, display_name: str, extension: str | None,
             now: float, wall_time: float) -> Token | Refusal:
        if alias.lower() in self._receptions:
            if not extension:
                return Refusal(403, {"conference_extension": "standard"}, status="success")
            alias = extension
        room = self._rooms.get(alias.lower())
        if room is None:
            return Refusal(404, "Neither conference nor gateway found")
        role = HOST
        if room.pin:
            role = self._check_pin(room, pin, now)
            if isinstance(role, Refusal):
                return role
        if len(room.participants) >= MAX_PARTICIPANTS:
            return Refusal(403, "Participant limit reached")
        participant = Participant(display_name[:MAX_DISPLAY_NAME] or "Guest", role, wall_time)
        room.participants[participant.uuid] = participant
        self._publish(room, "participant_create", participant.public())
        return self._issue(room, participant, now)

    def find(self, alias: str, token: str | None, now: float) -> Token | Refusal:
        """The live token of this very room, or the refusal."""
        held = self._tokens.get(token or "")
        if held is None or held.expires <= now or not self._leads_to(alias, held.room):
            return INVALID_TOKEN
        return held

    def refresh(self, token: Token, now: float) -> Token:
        """A new token in place of the old one, which is void from now on."""
        del self._tokens[token.value]
        return self._issue(token.room, token.participant, now)

    def release(self, token: Token) -> None:
        del self._tokens[token.value]
        if token.room.participants.pop(token.participant.uuid, None):
            self._publish(token.room, "participant_delete", {"uuid": token.participant.uuid})

    def present(self, token: Token, presenting: bool) -> None:
        token.participant.presenting = presenting
        if presenting:
            self._publish(token.room, "presentation_start", {
                "presenter_name": token.participant.display_name,
                "presenter_uri": token.participant.uuid})
        else:
            self._publish(token.room, "presentation_stop", None)
        self._publish(token.room, "participant_update", token.participant.public())

    def message(self, token: Token, mime_type: str, payload: str) -> None:
        """Everybody but the author hears it."""
        self._publish(token.room, "message_received", {
            "origin": token.participant.display_name, "uuid": token.participant.uuid,
            "type": mime_type, "payload": payload}, but_not=token.participant.uuid)

    def expire(self, now: float) -> None:
        for token in [each for each in self._tokens.values() if each.expires <= now]:
            self.release(token)

    def expire_all(self) -> int:
        """As if everybody had missed the refresh."""
        count = len(self._tokens)
        self.expire(float("inf"))
        return count

    def room(self, alias: str) -> Room | None:
        return self._rooms.get(alias.lower())

    def tokens_held(self) -> int:
        return len(self._tokens)

    def _check_pin(self, room: Room, pin: str | None, now: float) -> str | Refusal:
        if not pin:
            return Refusal(403, room.challenge(), status="success")
        while room.wrong_pins and room.wrong_pins[0] <= now - PIN_LOCK_WINDOW_SECONDS:
            room.wrong_pins.popleft()
        locked = 0 < self._pin_lock < len(room.wrong_pins)
        role = None if locked else room.role_for(pin)
        if role:
            return role
        if not locked:
            room.wrong_pins.append(now)
        if self.wrong_pin_answer == "invalid":
            return Refusal(403, "Invalid PIN")
        return Refusal(403, room.challenge(), status="success")

    def _issue(self, room: Room, participant: Participant, now: float) -> Token:
        value = base64.b64encode(secrets.token_bytes(TOKEN_BYTES)).decode()
        token = Token(value, room, participant, now + self.token_life)
        self._tokens[value] = token
        return token

    def _leads_to(self, alias: str, room: Room) -> bool:
        return alias.lower() == room.alias.lower() or alias.lower() in self._receptions


def same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode(), right.encode())
