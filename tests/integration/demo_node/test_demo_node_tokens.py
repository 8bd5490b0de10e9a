"""PINs, tokens and what a node answers to them."""

import pytest


def test_status_is_ok_and_503_in_maintenance_mode(node, client):
    answer = client.ask("GET", "/api/client/v2/status")
    assert (answer.status, answer.json) == (200, {"status": "success", "result": "OK"})
    node.maintenance()
    answer = client.ask("GET", "/api/client/v2/status")
    assert (answer.status, answer.json) == (
        503, {"status": "failed", "result": "Maintenance mode"})
    node.maintenance(False)
    assert client.ask("GET", "/api/client/v2/status").status == 200


def test_maintenance_mode_takes_nobody_new_and_keeps_those_it_has(node, client):
    held = client.join()
    node.maintenance()
    answer = client.room("POST", "request_token", body={"display_name": "Bob", "pin": "1234"})
    assert answer.status == 503
    assert client.room("GET", "participants", headers={"token": held["token"]}).status == 200


def test_no_pin_is_answered_with_the_challenge(client):
    answer = client.room("POST", "request_token", body={"display_name": "Ada"})
    assert answer.status == 403
    assert answer.json == {
        "status": "success", "result": {"pin": "required", "guest_pin": "required"}}


def test_a_wrong_pin_is_answered_with_the_challenge_or_with_invalid_pin(node, client):
    wrong = {"display_name": "Ada", "pin": "0000"}
    answer = client.room("POST", "request_token", body=wrong)
    assert answer.status == 403 and answer.result["pin"] == "required"
    node.control("POST", "wrong_pin", {"answer": "invalid"})
    answer = client.room("POST", "request_token", body=wrong)
    assert (answer.status, answer.json) == (403, {"status": "failure", "result": "Invalid PIN"})


@pytest.mark.parametrize("body, headers", [
    ({"display_name": "Ada", "pin": "1234"}, {}),
    ({"display_name": "Ada", "pin": 1234}, {}),
    ({"display_name": "Ada"}, {"pin": "1234"}),
])
def test_the_right_pin_in_the_body_or_the_header_gives_a_token(client, body, headers):
    answer = client.room("POST", "request_token", body=body, headers=headers)
    assert answer.status == 200
    assert answer.result["token"].endswith("=")
    assert answer.result["expires"] == "120"
    assert answer.result["role"] == "HOST"
    assert answer.result["display_name"] == "Ada"
    assert len(answer.result["participant_uuid"]) == 36


def test_guests_may_enter_with_their_pin_or_without_one(start, client_of):
    own_pin = client_of(start("--guest-pin", "55"))
    assert own_pin.join(pin="55")["role"] == "GUEST"
    assert own_pin.join(pin="1234")["role"] == "HOST"

    no_pin = client_of(start("--guest-pin", ""))
    challenge = no_pin.room("POST", "request_token", body={"display_name": "Ada"})
    assert challenge.result == {"pin": "required", "guest_pin": "none"}
    assert no_pin.join(pin="none")["role"] == "GUEST"


def test_an_open_room_needs_no_pin(client):
    assert client.join(pin="", alias="open")["conference_name"] == "open"


def test_aliases_are_told_apart_and_an_unknown_one_is_404(client):
    assert client.room("POST", "request_token", alias="nowhere").status == 404
    token = client.join()["token"]
    answer = client.room("GET", "participants", alias="open", headers={"token": token})
    assert (answer.status, answer.result) == (403, "Invalid token")


def test_a_virtual_reception_asks_for_the_extension_and_leads_on(client):
    answer = client.room("POST", "request_token", alias="reception",
                         body={"display_name": "Ada"})
    assert answer.status == 403
    assert answer.result == {"conference_extension": "standard"}
    answer = client.room("POST", "request_token", alias="reception", body={
        "display_name": "Ada", "conference_extension": "demo", "pin": "1234"})
    assert answer.status == 200 and answer.result["conference_name"] == "demo"


def test_a_refreshed_token_replaces_the_old_one(client):
    old = client.join()["token"]
    answer = client.room("POST", "refresh_token", headers={"token": old})
    new = answer.result["token"]
    assert answer.status == 200 and answer.result["expires"] == "120" and new != old
    assert client.room("GET", "participants", headers={"token": old}).status == 403
    assert client.room("GET", "participants", headers={"token": new}).status == 200


def test_a_released_token_is_void_and_its_participant_gone(client):
    ada, bob = client.join("Ada"), client.join("Bob")
    assert client.room("POST", "release_token", headers={"token": ada["token"]}).result is True
    assert client.room("POST", "refresh_token", headers={"token": ada["token"]}).status == 403
    roster = client.room("GET", "participants", headers={"token": bob["token"]}).result
    assert [each["display_name"] for each in roster] == ["Bob"]


def test_a_token_that_was_not_refreshed_expires(node, client):
    ada = client.join()
    node.control("POST", "tokens/expire")
    assert client.room("POST", "refresh_token", headers={"token": ada["token"]}).status == 403
    assert node.state()["tokens"] == 0


def test_a_token_of_another_node_is_invalid(start, client_of):
    here, there = client_of(start(name="node1")), client_of(start(name="node2"))
    token = here.join()["token"]
    answer = there.room("GET", "participants", headers={"token": token})
    assert (answer.status, answer.json) == (403, {"status": "failure", "result": "Invalid token"})
    assert answer.headers["X-Demo-Node"] == "node2"


def test_more_than_twenty_wrong_pins_lock_the_room_even_for_the_right_one(client):
    for _ in range(21):
        client.room("POST", "request_token", body={"display_name": "Eve", "pin": "0"})
    answer = client.room("POST", "request_token", body={"display_name": "Ada", "pin": "1234"})
    assert answer.status == 403


def test_twenty_wrong_pins_do_not_lock_the_room(client):
    for _ in range(20):
        client.room("POST", "request_token", body={"display_name": "Eve", "pin": "0"})
    client.join()


def test_the_token_answer_names_turn_servers_at_the_host_the_page_came_from(
        start, client_of, tmp_path):
    password = tmp_path / "password"
    password.write_text("secret\n")
    client = client_of(start(
        "--turn", "turn:{host}:3478?transport=udp", "--turn", "turns:media.example:5349",
        "--stun", "stun:{host}:3478", "--turn-user", "u", "--turn-password-file", str(password)))
    body = {"display_name": "Ada", "pin": "1234"}
    for host, expected in (("a.example:8443", "a.example"), ("[2001:db8::1]:443", "[2001:db8::1]")):
        result = client.room("POST", "request_token", body=body, headers={"Host": host}).result
        assert result["turn"] == [{
            "urls": [f"turn:{expected}:3478?transport=udp", "turns:media.example:5349"],
            "username": "u", "credential": "secret"}]
        assert result["stun"] == [{"url": f"stun:{expected}:3478"}]


@pytest.mark.parametrize("body", ["{", "[]", '"text"', b"\xff"])
def test_a_body_that_is_no_json_object_is_400(client, body):
    assert client.room("POST", "request_token", body=body).status == 400
