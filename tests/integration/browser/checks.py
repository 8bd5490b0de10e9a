"""What must be seen of a call, whatever it goes through."""

from demo_page import DemoPage


def join_after_a_wrong_pin(page: DemoPage, name: str = "Ada Lovelace") -> None:
    page.join(name, pin="9999")
    page.wait_for("the error", lambda: page.visible("join-error"))
    assert page.demo()["error"] == "wrong_pin"
    assert "PIN is not right" in page.find("join-error").text
    page.join(name, pin="1234")
    page.wait_for_state("connected")
    assert not page.visible("join-error")


def video_flows_over_relays(page: DemoPage, transport: str, seconds: int) -> None:
    """Frames are decoded in each second, and both ends of both connections are relays."""
    taken = page.samples(seconds + 1)
    decoded = [each["framesDecoded"] for each in taken]
    assert all(before < after for before, after in zip(decoded, decoded[1:])), decoded
    for stats in taken:
        ends = [stats[side][end] for side in ("sender", "receiver") for end in ("local", "remote")]
        assert [each["type"] for each in ends] == ["relay"] * 4
        assert {stats[side]["local"]["protocol"] for side in ("sender", "receiver")} == {transport}
    assert taken[-1]["width"] > 0 and taken[-1]["bitrate"] > 0


def no_policy_was_violated(page: DemoPage) -> None:
    assert [line for line in page.console() if "Content Security Policy" in line] == []
