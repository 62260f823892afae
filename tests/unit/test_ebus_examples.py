"""The sheet's own examples are what they claim to be."""

from __future__ import annotations

import pytest

from ebus_examples import CIRCUITS, LOCKED, SERIAL, flat_topics, tree_topics
from wattdeck.systems.span.ebus import homie

TREE_POWER = "meter/active-power"


def power_w(topics: dict[str, bytes], place: str) -> float:
    found = homie.number(topics[f"ebus/5/{place}"])
    assert found is not None
    return found


def test_the_flat_example_balances() -> None:
    topics = flat_topics()
    sum_w = sum(power_w(topics, f"{SERIAL}/{each}/active-power") for each in CIRCUITS)
    up_w = power_w(topics, f"{SERIAL}/lugs-upstream/active-power")
    assert sum_w == pytest.approx(358.4)
    assert up_w + sum_w - power_w(topics, f"{SERIAL}/lugs-downstream/active-power") == pytest.approx(0)


def test_the_tree_example_balances() -> None:
    topics = tree_topics()
    sum_w = sum(power_w(topics, f"{each}/{TREE_POWER}") for each in CIRCUITS)
    up_w = power_w(topics, f"{SERIAL}-lugs-up/{TREE_POWER}")
    assert up_w + sum_w - power_w(topics, f"{SERIAL}-lugs-dn/{TREE_POWER}") == pytest.approx(0)


@pytest.mark.parametrize("topics", [flat_topics(), tree_topics()], ids=["flat", "tree"])
def test_every_topic_and_description_is_readable(topics: dict[str, bytes]) -> None:
    described = 0
    for topic, payload in topics.items():
        place = homie.parse_topic(topic)
        assert place is not None, topic
        if place.attribute == "$description":
            described += 1
            assert homie.parse_description(payload) is not None
    assert described == sum(topic.endswith("/$state") for topic in topics)


def test_every_value_of_the_tree_is_declared() -> None:
    topics = tree_topics()
    for topic in topics:
        place = homie.parse_topic(topic)
        assert place is not None
        if place.node:
            description = homie.parse_description(topics[f"ebus/5/{place.device}/$description"])
            assert description is not None
            listed = description.nodes[place.node].properties
            assert listed is not None and place.prop in listed, topic


def test_locked_circuits_of_the_tree_have_nothing_to_set() -> None:
    topics = tree_topics()
    for circuit in CIRCUITS:
        description = homie.parse_description(topics[f"ebus/5/{circuit}/$description"])
        assert description is not None
        assert description.settable("switch", "relay") is (circuit not in LOCKED)
        assert description.settable("load-shed", "priority") is (circuit not in LOCKED)


def test_children_precede_the_root() -> None:
    states = [topic for topic in tree_topics() if topic.endswith("/$state")]
    assert states[-1] == f"ebus/5/{SERIAL}/$state"
