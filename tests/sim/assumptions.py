"""What is not measured but assumed, each with its reason. docs/sizing.md shows them; change them there by changing them here."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Assumption:
    value: float
    text: str


PARTICIPANTS = {"1,000": 1_000, "100,000": 100_000, "10 million": 10_000_000}

ASSUMED = {
    # A participant in a call.
    "relayed": Assumption(1.0, "of all participants need a relay: the worst case, in which nodes have private addresses"),
    "video_kbit_up": Assumption(1500, "kbit/s of video and audio from a participant: 720p"),
    "video_kbit_down": Assumption(2500, "kbit/s to a participant: one composed picture, and sound"),
    "packet_bytes": Assumption(1000, "bytes in a packet of media, on average"),
    "event_seconds": Assumption(5, "seconds between two events of a conference, to each participant"),
    "refresh_seconds": Assumption(60, "seconds between two token refreshes, one request each"),
    "requests_to_join": Assumption(30, "requests of a participant who joins: the web app's files, tokens, the call"),
    "kilobytes_to_join": Assumption(500, "kB of these answers, most people having the web app in their cache"),
    "connections": Assumption(2, "connections to the proxy for each participant: one of HTTP/2, and now and then a second one"),
    # The day.
    "call_minutes": Assumption(45, "minutes that a call lasts on average"),
    "on_the_hour": Assumption(0.6, "of all joins are to meetings that begin on the half hour, within three minutes of it"),
    "with_pin": Assumption(0.5, "of all joins bring a PIN"),
    # Machines.
    "busy": Assumption(0.6, "how busy a core may be at the peak: the rest is for bursts and for what a dead sibling leaves"),
    "nic_gbit": Assumption(10, "Gbit/s of a TURN server's network card"),
    "nic_busy": Assumption(0.8, "of it at the peak"),
    "turn_cores": Assumption(16, "cores of a TURN server"),
    "proxy_cores": Assumption(2, "cores of an rproxyd, as deploy/kubernetes asks for"),
}


def assumed(name: str) -> float:
    return ASSUMED[name].value
