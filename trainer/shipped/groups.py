"""Families of ImageNet classes that people call by one word: ``python -m trainer.shipped.groups`` ships them.

They are in the shipped model itself, with how a picture fits it, so that they are gone with it where another model
runs. This puts them there without making the model anew, which takes TensorFlow.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import click

from trainer.quantisation.metadata import with_own

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edgecam.camera.fit import Fit

# The names are those of the shipped model's labels.
# fmt: off
IMAGENET_GROUPS = MappingProxyType({
    "cat": ("tabby cat", "tiger cat", "Persian cat", "Siamese cat", "Egyptian Mau"),
    "dog": (
        "Chihuahua", "Japanese Chin", "Maltese dog", "Pekingese", "Shih Tzu", "King Charles Spaniel", "Papillon",
        "toy terrier", "Rhodesian Ridgeback", "Afghan Hound", "Basset Hound", "Beagle", "Bloodhound",
        "Bluetick Coonhound", "Black and Tan Coonhound", "Treeing Walker Coonhound", "English foxhound",
        "Redbone Coonhound", "borzoi", "Irish Wolfhound", "Italian Greyhound", "Whippet", "Ibizan Hound",
        "Norwegian Elkhound", "Otterhound", "Saluki", "Scottish Deerhound", "Weimaraner", "Staffordshire Bull Terrier",
        "American Staffordshire Terrier", "Bedlington Terrier", "Border Terrier", "Kerry Blue Terrier",
        "Irish Terrier", "Norfolk Terrier", "Norwich Terrier", "Yorkshire Terrier", "Wire Fox Terrier",
        "Lakeland Terrier", "Sealyham Terrier", "Airedale Terrier", "Cairn Terrier", "Australian Terrier",
        "Dandie Dinmont Terrier", "Boston Terrier", "Miniature Schnauzer", "Giant Schnauzer", "Standard Schnauzer",
        "Scottish Terrier", "Tibetan Terrier", "Australian Silky Terrier", "Soft-coated Wheaten Terrier",
        "West Highland White Terrier", "Lhasa Apso", "Flat-Coated Retriever", "Curly-coated Retriever",
        "Golden Retriever", "Labrador Retriever", "Chesapeake Bay Retriever", "German Shorthaired Pointer", "Vizsla",
        "English Setter", "Irish Setter", "Gordon Setter", "Brittany dog", "Clumber Spaniel",
        "English Springer Spaniel", "Welsh Springer Spaniel", "Cocker Spaniel", "Sussex Spaniel",
        "Irish Water Spaniel", "Kuvasz", "Schipperke", "Groenendael dog", "Malinois", "Briard", "Australian Kelpie",
        "Komondor", "Old English Sheepdog", "Shetland Sheepdog", "collie", "Border Collie", "Bouvier des Flandres dog",
        "Rottweiler", "German Shepherd Dog", "Dobermann", "Miniature Pinscher", "Greater Swiss Mountain Dog",
        "Bernese Mountain Dog", "Appenzeller Sennenhund", "Entlebucher Sennenhund", "Boxer", "Bullmastiff",
        "Tibetan Mastiff", "French Bulldog", "Great Dane", "St. Bernard", "husky", "Alaskan Malamute",
        "Siberian Husky", "Dalmatian", "Affenpinscher", "Basenji", "pug", "Leonberger", "Newfoundland dog",
        "Great Pyrenees dog", "Samoyed", "Pomeranian", "Chow Chow", "Keeshond", "brussels griffon",
        "Pembroke Welsh Corgi", "Cardigan Welsh Corgi", "Toy Poodle", "Miniature Poodle", "Standard Poodle",
        "Mexican hairless dog",
    ),
    "wolf": ("grey wolf", "Alaskan tundra wolf", "red wolf or maned wolf", "coyote"),
    "fox": ("red fox", "kit fox", "Arctic fox", "grey fox"),
    "bear": ("brown bear", "American black bear", "polar bear", "sloth bear"),
    "bird": (
        "rooster", "hen", "ostrich", "brambling", "goldfinch", "house finch", "junco", "indigo bunting",
        "American robin", "bulbul", "jay", "magpie", "chickadee", "American dipper", "kite", "bald eagle", "vulture",
        "great grey owl", "black grouse", "ptarmigan", "ruffed grouse", "prairie grouse", "peafowl", "quail",
        "partridge", "african grey parrot", "macaw", "sulphur-crested cockatoo", "lorikeet", "coucal", "bee eater",
        "hornbill", "hummingbird", "jacamar", "toucan", "drake", "red-breasted merganser", "goose", "black swan",
        "white stork", "black stork", "spoonbill", "flamingo", "little blue heron", "great egret", "bittern bird",
        "crane bird", "limpkin", "common gallinule", "American coot", "bustard", "ruddy turnstone", "dunlin",
        "common redshank", "dowitcher", "oystercatcher", "pelican", "king penguin", "albatross",
    ),
    "rabbit": ("cottontail rabbit", "hare", "Angora rabbit"),
    "sheep": ("ram", "bighorn sheep"),
    "elephant": ("tusker", "Asian elephant", "African bush elephant"),
    "monkey": (
        "siamang", "guenon", "patas monkey", "baboon", "macaque", "langur", "black-and-white colobus",
        "proboscis monkey", "marmoset", "white-headed capuchin", "howler monkey", "titi monkey",
        "Geoffroy's spider monkey", "common squirrel monkey",
    ),
    "ape": ("orangutan", "gorilla", "chimpanzee", "gibbon"),
    "frog": ("American bullfrog", "tree frog", "tailed frog"),
    "turtle": ("loggerhead sea turtle", "leatherback sea turtle", "mud turtle", "terrapin", "box turtle"),
    "lizard": (
        "banded gecko", "green iguana", "Carolina anole", "desert grassland whiptail lizard", "agama",
        "frilled-necked lizard", "alligator lizard", "Gila monster", "European green lizard", "chameleon",
        "Komodo dragon",
    ),
    "crocodile": ("Nile crocodile", "American alligator"),
    "snake": (
        "worm snake", "ring-necked snake", "eastern hog-nosed snake", "smooth green snake", "kingsnake",
        "garter snake", "water snake", "vine snake", "night snake", "boa constrictor", "African rock python",
        "Indian cobra", "green mamba", "sea snake", "Saharan horned viper", "eastern diamondback rattlesnake",
        "sidewinder rattlesnake",
    ),
    "spider": (
        "yellow garden spider", "barn spider", "European garden spider", "southern black widow", "tarantula",
        "wolf spider",
    ),
    "butterfly": (
        "red admiral butterfly", "ringlet butterfly", "monarch butterfly", "small white butterfly",
        "sulphur butterfly", "gossamer-winged butterfly",
    ),
    "beetle": (
        "tiger beetle", "ladybug", "ground beetle", "longhorn beetle", "leaf beetle", "dung beetle",
        "rhinoceros beetle", "weevil",
    ),
    "shark": ("great white shark", "tiger shark", "hammerhead shark"),
    "fish": (
        "tench", "goldfish", "snoek fish", "eel", "silver salmon", "rock beauty fish", "clownfish", "sturgeon",
        "gar fish", "lionfish", "pufferfish",
    ),
    "crab": ("Dungeness crab", "rock crab", "fiddler crab", "red king crab", "hermit crab"),
    "lobster": ("American lobster", "spiny lobster"),
    "car": (
        "station wagon", "taxicab", "convertible", "jeep", "limousine", "minivan", "ford model t", "race car",
        "sports car",
    ),
    "truck": ("fire truck", "garbage truck", "moving van", "pickup truck", "tow truck", "semi-trailer truck"),
    "bus": ("minibus", "school bus", "trolleybus"),
    "bicycle": ("tandem bicycle", "mountain bike"),
    "motorcycle": ("moped", "motor scooter"),
    "train": ("high-speed train", "electric locomotive", "freight car", "railroad car", "steam locomotive"),
    "boat": ("kayak", "catamaran", "fireboat", "gondola", "lifeboat", "schooner", "motorboat", "trimaran", "yawl"),
    "aeroplane": ("airliner", "military aircraft"),
    "chair": ("barber chair", "folding chair", "rocking chair"),
    "clock": ("analog clock", "digital clock", "wall clock"),
    "computer": ("desktop computer", "laptop computer", "notebook computer"),
    "telephone": ("mobile phone", "rotary dial telephone", "payphone"),
    "cup": ("coffee mug", "tea cup"),
    "bottle": ("beer bottle", "soda bottle", "water bottle", "wine bottle"),
    "shoe": ("clogs", "cowboy boot", "slip-on shoe", "sneaker", "sandal"),
    "hat": ("military hat", "cowboy hat", "sombrero"),
    "guitar": ("acoustic guitar", "electric guitar"),
    "sunglasses": ("sunglasses", "dark glasses"),
    "mushroom": (
        "mushroom", "agaric", "gyromitra", "stinkhorn mushroom", "earth star fungus", "hen of the woods mushroom",
        "bolete",
    ),
    "screen": ("monitor", "CRT monitor", "television"),
})
# fmt: on
FIT: Fit = "crop"  # by what benchmarks/accuracy.py measures
SHIPPED_KEYS: Mapping[str, Any] = MappingProxyType({"groups": dict(IMAGENET_GROUPS), "fit": FIT})


@click.command()
@click.option(
    "--model",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    default=Path("edgecam/assets/efficientnet_lite0.tflite"),
    show_default=True,
)
def main(model: Path) -> None:
    """Put the groups, and how a picture fits, into a .tflite file."""
    content = with_own(model.read_bytes(), SHIPPED_KEYS)
    model.write_bytes(content)
    click.echo(f"{model}: {len(content):,} bytes, {len(IMAGENET_GROUPS)} groups, fit {FIT}")


if __name__ == "__main__":
    sys.exit(main())
