import copy
import pickle

import msgspec
import pytest

from commercekit.platform.settings import MASK, Secret, masked

CANARY = "canary-5d1f0c"


class Tree(msgspec.Struct):
    name: str
    password: Secret
    more: dict[str, Secret]


def test_a_secret_shows_itself_nowhere():
    secret = Secret(CANARY)
    shown = [repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr([secret]), f"{secret}"]
    assert not any(CANARY in text for text in shown)
    assert secret.reveal() == CANARY


def test_a_secret_is_neither_encoded_nor_pickled():
    with pytest.raises(TypeError):
        msgspec.json.encode(Tree("a", Secret(CANARY), {}))
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(Secret(CANARY))


def test_a_masked_tree_shows_everything_but_secrets():
    tree = Tree("a", Secret(CANARY), {"x": Secret(CANARY)})
    assert masked(tree) == {"name": "a", "password": MASK, "more": {"x": MASK}}
    assert CANARY not in repr(tree)


def test_secrets_compare_by_value_and_copy_to_themselves():
    secret = Secret("a")
    assert secret == Secret("a")
    assert secret != Secret("b")
    assert secret != "a"
    assert copy.deepcopy(secret) is secret
    assert len({secret, Secret("a")}) == 1
    assert not Secret("")
