"""The event stream: replay, live events, its end."""

import json
from urllib.parse import quote

import pytest


class Events:
    """Reads one event stream, block by block."""

    def __init__(self, client, token: str):
        self._connection = client.connection()
        self._connection.request(
            "GET", f"/api/client/v2/conferences/demo/events?token={quote(token, safe='')}")
        self.answer = self._connection.getresponse()

    def next(self) -> tuple[str, object]:
        fields = {}
        while line := self.answer.readline().decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        assert fields, "the stream has ended"
        assert fields["id"].isdigit()
        data = fields.get("data", "")
        return fields["event"], json.loads(data) if data else None

    def skip_replay(self) -> "Events":
        while self.next()[0] != "conference_update":
            pass
        return self

    def at_end(self) -> bool:
        return self.answer.readline() == b""

    def close(self):
        self.answer.close()
        self._connection.close()


@pytest.fixture
def events(client):
    opened = []

    def open_stream(token: str) -> Events:
        opened.append(Events(client, token))
        return opened[-1]

    yield open_stream
    for each in opened:
        each.close()


def test_a_connect_replays_the_roster_between_sync_begin_and_sync_end(client, events):
    ada, bob = client.join("Ada"), client.join("Bob")
    for _ in range(2):  # and so does every reconnect
        stream = events(ada["token"])
        assert stream.answer.headers["Content-Type"] == "text/event-stream"
        assert stream.next() == ("participant_sync_begin", None)
        replayed = [stream.next(), stream.next()]
        assert [name for name, _ in replayed] == ["participant_create"] * 2
        assert {each["uuid"] for _, each in replayed} == {
            ada["participant_uuid"], bob["participant_uuid"]}
        assert stream.next() == ("participant_sync_end", None)


def test_joining_and_leaving_are_events(client, events):
    stream = events(client.join("Ada")["token"]).skip_replay()
    bob = client.join("Bob")
    name, participant = stream.next()
    assert (name, participant["display_name"]) == ("participant_create", "Bob")
    client.room("POST", "release_token", headers={"token": bob["token"]})
    assert stream.next() == ("participant_delete", {"uuid": bob["participant_uuid"]})


def test_a_message_reaches_the_others_and_not_its_author(client, events):
    ada, bob = client.join("Ada"), client.join("Bob")
    to_ada, to_bob = events(ada["token"]).skip_replay(), events(bob["token"]).skip_replay()
    sent = client.room("POST", "message", headers={"token": bob["token"]},
                       body={"type": "text/plain", "payload": "good morning"})
    assert sent.result is True
    name, message = to_ada.next()
    assert name == "message_received"
    assert (message["origin"], message["payload"]) == ("Bob", "good morning")
    client.join("Cleo")
    assert to_bob.next()[0] == "participant_create"


def test_taking_the_floor_starts_a_presentation(client, events):
    ada = client.join("Ada")
    stream = events(ada["token"]).skip_replay()
    own = f"participants/{ada['participant_uuid']}"
    client.room("POST", f"{own}/take_floor", headers={"token": ada["token"]})
    assert stream.next()[0] == "presentation_start"
    assert stream.next()[1]["is_presenting"] == "YES"
    client.room("POST", f"{own}/release_floor", headers={"token": ada["token"]})
    assert stream.next() == ("presentation_stop", None)


def test_a_refresh_leaves_the_stream_open_and_a_release_ends_it(client, events):
    ada = client.join("Ada")
    stream = events(ada["token"]).skip_replay()
    token = client.room("POST", "refresh_token", headers={"token": ada["token"]}).result["token"]
    client.join("Bob")
    assert stream.next()[0] == "participant_create"
    client.room("POST", "release_token", headers={"token": token})
    assert stream.next()[0] == "participant_delete"
    assert stream.at_end()


def test_an_expired_token_ends_the_stream(node, client, events):
    stream = events(client.join("Ada")["token"]).skip_replay()
    node.control("POST", "tokens/expire")
    assert stream.next()[0] == "participant_delete"
    assert stream.at_end()


def test_events_need_a_live_token(client):
    assert client.room("GET", "events?token=stale").status == 403


def test_tests_can_push_events_of_their_own(node, client, events):
    stream = events(client.join("Ada")["token"]).skip_replay()
    node.control("POST", "events", {"room": "demo", "event": "layout", "data": {"view": "1:7"}})
    assert stream.next() == ("layout", {"view": "1:7"})


def test_a_heartbeat_is_a_comment_line_and_comes_only_when_asked_for(start, client_of):
    client = client_of(start("--heartbeat", "0.2"))
    stream = Events(client, client.join("Ada")["token"]).skip_replay()
    assert stream.answer.readline() == b": heartbeat\n"
    stream.close()


def test_a_client_that_left_is_noticed(node, client, events):
    stream = events(client.join("Ada")["token"]).skip_replay()
    assert node.state()["event_streams"] == 1
    stream.close()
    while node.state()["event_streams"]:  # the runner's own limit ends a test that hangs
        pass


def test_sigterm_ends_open_streams_cleanly(node, client, events):
    stream = events(client.join("Ada")["token"]).skip_replay()
    assert node.stop() == 0
    assert stream.at_end()
