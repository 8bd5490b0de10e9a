"""A real browser's call: the page through rproxyd, its media through turnd."""

from contextlib import ExitStack

import pytest

from checks import join_after_a_wrong_pin, no_policy_was_violated, video_flows_over_relays
from demo_node.client import Client
from demo_node.process import DemoNode
from servers import HOST, Rproxyd, Turnd, free_ports, node_flags


@pytest.fixture
def vestibule(tmp_path):
    """Both daemons and three nodes."""
    with ExitStack() as running:
        turnd = running.enter_context(Turnd(tmp_path))
        flags = node_flags(tmp_path, turnd.urls)
        nodes = {name: running.enter_context(DemoNode(*flags, name=name))
                 for name in ("node1", "node2", "node3")}
        rproxyd = running.enter_context(Rproxyd(tmp_path, [node.url for node in nodes.values()]))
        rproxyd.nodes = nodes
        rproxyd.turnd = turnd
        yield rproxyd


def test_a_relayed_call_decodes_video_for_ten_seconds(vestibule, open_page, screenshot):
    page = open_page(vestibule.origin)
    join_after_a_wrong_pin(page)
    grace = Client(vestibule.origin).join("Grace Hopper")
    page.wait_for("Grace", lambda: len(page.demo()["participants"]) == 2)
    Client(vestibule.origin).room("POST", "message", headers={"token": grace["token"]},
                                  body={"payload": "Good morning. The picture is crisp."})
    video_flows_over_relays(page, "udp", seconds=10)
    assert page.demo()["stats"]["framesDecoded"] > 50
    screenshot("call")
    no_policy_was_violated(page)


@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_a_call_relayed_over_a_stream_decodes_video(vestibule, open_page, transport):
    page = open_page(vestibule.origin)
    page.join("Ada Lovelace", pin="1234")
    page.wait_for_state("connected")
    page.choose_transport(transport)
    page.wait_for(f"a call over {transport}", lambda: (
        page.demo()["transport"], page.demo()["state"]) == (transport, "connected"))
    video_flows_over_relays(page, transport, seconds=3)


def test_a_killed_node_costs_a_new_token_and_not_the_call(vestibule, open_page):
    page = open_page(vestibule.origin)
    page.join("Ada Lovelace", pin="1234")
    page.wait_for_state("connected")
    first = page.demo()["node"]
    vestibule.nodes[first].kill()
    page.wait_for("another node", lambda: page.demo()["node"] != first)
    page.wait_for("the roster", lambda: len(page.demo()["participants"]) == 1)
    video_flows_over_relays(page, "udp", seconds=2)


@pytest.mark.parametrize("transport, processes_of_turnd", [("udp", 1), ("tcp", 1), ("tls", 2)])
def test_both_daemons_are_upgraded_in_mid_call(vestibule, open_page, transport, processes_of_turnd):
    """Nothing of the call begins anew: the page keeps its events, its peer connections and its relays."""
    page = open_page(vestibule.origin)
    page.join("Ada Lovelace", pin="1234")
    page.wait_for_state("connected")
    if transport != "udp":
        page.choose_transport(transport)
        page.wait_for(f"a call over {transport}", lambda: (page.demo()["transport"], page.demo()["state"]) == (transport, "connected"))
    before = page.samples(1)[0]
    vestibule.turnd.upgrade()
    vestibule.upgrade()
    video_flows_over_relays(page, transport, seconds=3)
    after = page.samples(1)[0]
    assert after["seconds"] > before["seconds"] and after["packetsLost"] == before["packetsLost"]
    assert vestibule.turnd.processes == processes_of_turnd, "a TLS client stays with the process that it shook hands with"
    grace = Client(vestibule.origin).join("Grace Hopper")  # at the new process, told by the old one's event stream
    assert grace["token"]
    page.wait_for("Grace", lambda: len(page.demo()["participants"]) == 2)


def test_page_and_turn_share_one_port(tmp_path, open_page):
    """The page comes from the port that its call is relayed over: turns:…?transport=tcp through rproxyd to turnd."""
    with ExitStack() as running:
        turnd = running.enter_context(Turnd(tmp_path, proxies=[HOST]))
        [port] = free_ports(1)  # the page has to know it before rproxyd starts
        flags = node_flags(tmp_path, [f"turns:{HOST}:{port}?transport=tcp"])
        node = running.enter_context(DemoNode(*flags, name="node1"))
        rproxyd = running.enter_context(Rproxyd(tmp_path, [node.url], turn=f"{HOST}:{turnd.port('tcp')}", port=port))
        page = open_page(rproxyd.origin)
        page.join("Ada Lovelace", pin="1234")
        page.wait_for_state("connected")
        page.choose_transport("tls")
        page.wait_for("a call over tls", lambda: (page.demo()["transport"], page.demo()["state"]) == ("tls", "connected"))
        video_flows_over_relays(page, "tls", seconds=3)
