"""A box is cut out of the image as it is displayed, at whatever scale it was decoded."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from biomedica_dataset.errors import ArticleError
from biomedica_dataset.images.crop import crop, figure_target, with_margin
from biomedica_dataset.images.decode import open_rgb, open_upright

SIZE = (640, 480)
COLOURS = {(0, 0, 320, 240): (200, 0, 0), (320, 0, 640, 240): (0, 200, 0),
           (0, 240, 320, 480): (0, 0, 200), (320, 240, 640, 480): (200, 200, 0)}  # fmt: skip
boxes = st.tuples(
    st.integers(0, 639), st.integers(0, 479), st.integers(1, 640), st.integers(1, 480)
).filter(lambda box: box[0] < box[2] and box[1] < box[3])


def figure(kind: str = "JPEG", orientation: int = 1) -> bytes:
    """Return four panels of one colour each, which are displayed as `COLOURS` has them."""
    image = Image.new("RGB", SIZE)
    for box, colour in COLOURS.items():
        image.paste(colour, box)
    if orientation == 6:  # displayed after a quarter turn to the right
        image = image.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    image.save(file, kind, exif=exif, **({"quality": 95} if kind == "JPEG" else {}))
    return file.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_panel_is_cut_out_of_the_image_as_it_is_displayed(kind, orientation):
    data = figure(kind, 1 if kind == "TIFF" else orientation)
    for box, colour in COLOURS.items():
        found = crop(open_upright(data), box, SIZE)

        assert found.size == (320, 240)
        assert np.abs(np.asarray(found).mean(axis=(0, 1)) - colour).max() < 8


@pytest.mark.parametrize("target", [20, 40, 80, 1000])
def test_a_jpeg_that_is_decoded_at_a_reduced_scale_has_the_same_panels(target):
    image = open_rgb(figure(), target)
    assert target > 300 or image.size < SIZE
    for box, colour in COLOURS.items():
        found = crop(image, box, SIZE)

        assert abs(found.width - image.width / 2) <= 1
        assert np.abs(np.asarray(found).mean(axis=(0, 1)) - colour).max() < 16


@given(box=boxes, scale=st.sampled_from([1, 2, 4, 8]))
def test_every_box_has_pixels_at_every_scale_and_none_beyond_the_image(box, scale):
    image = Image.new("L", tuple(-(-side // scale) for side in SIZE), 255)

    found = crop(image, box, SIZE)

    assert min(found.size) >= 1
    assert found.getextrema() == (255, 255)  # Pillow fills with black beyond an image


@given(box=boxes, margin=st.floats(0, 1))
def test_a_margin_widens_a_box_and_stays_within_the_image(box, margin):
    x0, y0, x1, y1 = with_margin(box, margin, SIZE)

    assert 0 <= x0 <= box[0] < box[2] <= x1 <= SIZE[0]
    assert 0 <= y0 <= box[1] < box[3] <= y1 <= SIZE[1]


@pytest.mark.parametrize(
    "box", [(0, 0, 641, 10), (-1, 0, 10, 10), (5, 5, 5, 9), (9, 0, 5, 9), (0, 0, 9, 481)]
)
def test_a_box_that_is_not_within_the_image_is_refused(box):
    with pytest.raises(ArticleError, match="box_outside_image"):
        with_margin(box, 0.0, SIZE)


def test_an_image_of_another_size_is_refused_rather_than_cut_wrongly():
    with pytest.raises(ArticleError, match="another_size"):
        crop(Image.new("RGB", (600, 480)), (0, 0, 320, 240), SIZE)


@given(box=boxes, target=st.integers(16, 512))
def test_a_panel_of_a_reduced_jpeg_has_twice_the_pixels_asked_for_or_all_it_has(box, target):
    wanted = figure_target(target, box, SIZE)
    scale = max(s for s in (1, 2, 4, 8) if s == 1 or min(SIZE) // (2 * wanted) >= s)
    found = crop(Image.new("L", tuple(-(-side // scale) for side in SIZE)), box, SIZE)

    assert scale == 1 or min(found.size) >= 2 * target - 1
