from exporters.canvas import Box, fit


def test_a_picture_is_centred_as_large_as_its_aspect_allows():
    # 40x20 on 8x12: a fifth of it is 8x4, four columns free on each side
    assert fit((40, 20), (8, 12)) == Box(top=0, left=4, height=8, width=4)
    assert fit((10, 60), (8, 12)) == Box(top=3, left=0, height=2, width=12)
    assert fit((1, 5000), (8, 12)) == Box(top=3, left=0, height=1, width=12)
