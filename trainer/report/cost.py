"""What an image costs here and in the cloud."""

from __future__ import annotations

import msgspec

from trainer.errors import InputError

HOURS_A_MONTH = 730.5
SECONDS_A_MONTH = HOURS_A_MONTH * 3600


class Prices(msgspec.Struct, frozen=True):
    """What the user knows; money in any one currency.

    Attributes:
        device: what the device costs, once.
        years: how long it is used.
        watts: what it draws.
        kwh: price of a kilowatt hour.
        cloud_image: price of one image in the cloud.
        images: images a month.
    """

    device: float
    years: float
    watts: float
    kwh: float
    cloud_image: float
    images: int


class Cost(msgspec.Struct, frozen=True):
    """Edge against cloud, a month.

    Attributes:
        devices: how many are needed for so many images.
        busy: the fraction of the time that they work.
        edge_month: their price, spread over their life, and their power.
        edge_image: that for one image.
        cloud_month: the cloud's price.
        saving: the fraction of it that is saved; negative where the cloud is cheaper.
        pays_after_months: when the devices' price is earned, if ever.
    """

    devices: int
    busy: float
    edge_month: float
    edge_image: float
    cloud_month: float
    saving: float
    pays_after_months: float | None


def cost(prices: Prices, images_per_second: float) -> Cost:
    """Compare; a device draws its power all the time, as a camera's does.

    Raises:
        InputError: no images, or no speed.
    """
    if prices.images < 1 or images_per_second <= 0 or prices.years <= 0:
        message = "images, images a second and years must be more than 0"
        raise InputError(message)
    load = prices.images / SECONDS_A_MONTH / images_per_second
    devices = max(1, -int(-load // 1))
    power = devices * prices.watts / 1000 * HOURS_A_MONTH * prices.kwh
    edge = devices * prices.device / (prices.years * 12) + power
    cloud = prices.cloud_image * prices.images
    earned = cloud - power
    return Cost(
        devices=devices,
        busy=load / devices,
        edge_month=edge,
        edge_image=edge / prices.images,
        cloud_month=cloud,
        saving=1 - edge / cloud if cloud else float("-inf"),
        pays_after_months=devices * prices.device / earned if earned > 0 else None,
    )
