"""A program of its own: reads a stranger's picture and writes it anew, its pixels and nothing else of it.

`python redraw.py FORMAT PIXELS`, the picture on stdin. On stdout a line of JSON, `{"refused": …}` or the sizes, then
the photo and its thumbnail as JPEG. It is started with no environment, so that it holds no key, and binds itself to
limits before it looks at a byte; whoever finds a hole in a decoder finds an empty process.
"""

import io
import json
import resource
import sys

from PIL import Image, ImageOps

SIDE, THUMBNAIL_SIDE = 2048, 320
QUALITY, THUMBNAIL_QUALITY = 82, 70
MEMORY_BYTES = 1024 * 1024 * 1024
CPU_SECONDS = 15


def main() -> None:
    kind, most_pixels = sys.argv[1], int(sys.argv[2])
    if kind == "HEIF":
        import pi_heif

        pi_heif.register_heif_opener()  # pyright: ignore
    _bind()
    content = sys.stdin.buffer.read()
    try:
        answer = _redrawn(content, kind, most_pixels)
    except (Image.DecompressionBombError, _TooManyPixels):
        answer = b'{"refused": "pixels"}\n'
    except Exception:  # decoders raise whatever they like
        answer = b'{"refused": "broken"}\n'
    sys.stdout.buffer.write(answer)


class _TooManyPixels(Exception):
    pass


def _bind() -> None:
    for limit, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 32),
    ):
        resource.setrlimit(limit, (most, most))


def _redrawn(content: bytes, kind: str, most_pixels: int) -> bytes:
    Image.MAX_IMAGE_PIXELS = most_pixels
    with Image.open(io.BytesIO(content), formats=[kind]) as image:
        width, height = image.size
        if width * height > most_pixels:
            raise _TooManyPixels
        image.draft("RGB", (SIDE, SIDE))  # a large JPEG is never unfolded whole
        image.load()
        turned = ImageOps.exif_transpose(image)
        turned.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
        photo = _pixels(turned)
    thumbnail = photo.copy()
    thumbnail.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS)
    large, small = _jpeg(photo, QUALITY), _jpeg(thumbnail, THUMBNAIL_QUALITY)
    told = {"width": photo.width, "height": photo.height, "photo": len(large), "thumbnail": len(small)}
    return json.dumps(told).encode() + b"\n" + large + small


def _pixels(image: Image.Image) -> Image.Image:
    """On white where it was transparent; a new picture, that nothing but pixels is carried over to."""
    if image.mode.startswith("I"):  # sixteen bits of grey
        image = image.convert("I").point(lambda value: value / 256).convert("L")  # pyright: ignore
    blank = Image.new("RGB", image.size, "white")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        blank.paste(image, mask=image.getchannel("A"))
    else:
        blank.paste(image.convert("RGB"))
    return blank


def _jpeg(image: Image.Image, quality: int) -> bytes:
    written = io.BytesIO()
    image.save(written, "JPEG", quality=quality, optimize=True, progressive=True)
    return written.getvalue()


if __name__ == "__main__":
    main()
