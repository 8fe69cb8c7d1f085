"""Draws the pictures of this shop's products, as SVG, from ``products.csv``.

    python draw_pictures.py

Every ``/media/…`` address in the file becomes a drawing in ``media/``. What is drawn follows the tags
of the product, its colour the option ``Colour``. Replace a file in ``media/`` by a photograph of the
same name, or change the address in ``products.csv``, and the shop shows that instead.
"""

from __future__ import annotations

import csv
from pathlib import Path

HERE = Path(__file__).parent
COLOURS = {
    "Ink": "#2b3440",
    "Sand": "#c9b48f",
    "Moss": "#6d7f4f",
    "Rust": "#a8502f",
    "Sky": "#7fa6b8",
    "Snow": "#e9e6df",
    "Plum": "#7a4763",
    "Amber": "#c98a2b",
}
WALLS = {
    "Tea": ("#eef1e4", "#d5dcc0"),
    "Teaware": ("#f1ece4", "#dccfbd"),
    "Textiles": ("#eceaf1", "#d0cbdc"),
    "Stationery": ("#e8eff2", "#c5d6de"),
    "Lighting": ("#f6eedd", "#e6d3a8"),
}
USUAL = {
    "Tea": "#6d7f4f",
    "Teaware": "#8f8577",
    "Textiles": "#c9b48f",
    "Stationery": "#7fa6b8",
    "Lighting": "#c98a2b",
}
DRAWINGS = {
    "cup": '<path d="M140 170h120l-10 96q-4 24-28 24h-44q-24 0-28-24z"/>'
    '<path d="M258 192q46-4 42 34t-50 36" fill="none" stroke-width="14"/>',
    "pot": '<path d="M120 220q0-66 80-66t80 66-36 76h-88q-36-10-36-76z"/>'
    '<path d="M278 214q36-6 50-52" fill="none" stroke-width="18"/><circle cx="200" cy="142" r="12"/>'
    '<path d="M124 200q-50-6-46 34t56 30" fill="none" stroke-width="13"/>',
    "set": '<path d="M150 160h100l-14 70q-4 14-18 14h-36q-14 0-18-14z"/>'
    '<path d="M88 250h64l-8 42h-48zM168 262h64l-8 42h-48zM248 250h64l-8 42h-48z"/>',
    "tray": '<rect x="80" y="210" width="240" height="60" rx="8"/>'
    '<path d="M96 226h208M96 240h208M96 254h208" stroke="#fff" stroke-opacity=".45" stroke-width="3"/>',
    "bamboo": '<path d="M176 150h48v50h-48z"/>'
    '<path d="M178 204l-26 90M190 204l-12 92M200 204v94M210 204l12 92M222 204l26 90" '
    'fill="none" stroke-width="7"/>',
    "storage": '<rect x="140" y="160" width="120" height="140" rx="10"/>'
    '<rect x="134" y="136" width="132" height="36" rx="8" opacity=".85"/>',
    "wool": '<path d="M110 150q90 60 180 0l-14 60q-76 40-152 0z"/>'
    '<path d="M140 206l-10 100h46l8-84zM232 222l8 84h44l-10-100z" opacity=".9"/>',
    "silk": '<path d="M200 110l100 100-100 100-100-100z"/>'
    '<path d="M130 214q34-50 60-8t70-18" fill="none" stroke="#fff" stroke-opacity=".6" stroke-width="6"/>',
    "cotton": '<rect x="110" y="140" width="180" height="150" rx="18"/>'
    '<path d="M110 190h180M110 240h180M170 140v150M230 140v150" stroke="#fff" '
    'stroke-opacity=".4" stroke-width="4"/>',
    "linen": '<path d="M100 150h200v110q-50 34-100 0t-100 0z"/>'
    '<path d="M100 166h200" stroke="#fff" stroke-opacity=".5" stroke-width="5"/>',
    "notebook": '<rect x="130" y="120" width="140" height="190" rx="8"/>'
    '<path d="M152 120v190" stroke="#fff" stroke-opacity=".5" stroke-width="5"/>',
    "pen": '<path d="M120 290l20-52 130-130 32 32-130 130z"/>'
    '<path d="M140 238l32 32" stroke="#fff" stroke-opacity=".6" stroke-width="4"/>',
    "ink": '<path d="M172 130h56v34h-56z" opacity=".8"/>'
    '<path d="M150 164h100l22 110q2 24-22 24h-100q-24 0-22-24z"/>',
    "paper": '<rect x="110" y="150" width="180" height="130" rx="6"/>'
    '<path d="M110 156l90 74 90-74" fill="none" stroke="#fff" stroke-opacity=".7" stroke-width="6"/>',
    "brush": '<path d="M160 110h10v120h-10zM195 110h10v120h-10zM230 110h10v120h-10z"/>'
    '<path d="M156 230h18l-9 60zM191 230h18l-9 60zM226 230h18l-9 60z" fill="#2b3440"/>',
    "lamp": '<path d="M150 130h100l34 84H116z"/><rect x="193" y="214" width="14" height="70"/>'
    '<rect x="150" y="284" width="100" height="14" rx="7"/>',
    "candle": '<rect x="160" y="180" width="34" height="120" rx="6"/>'
    '<rect x="210" y="200" width="34" height="100" rx="6"/>'
    '<path d="M177 176q-16-20 0-44 16 24 0 44zM227 196q-16-20 0-44 16 24 0 44z" fill="#e8a33a"/>',
    "incense": '<path d="M190 300L240 130M200 300l60-160" stroke-width="5"/>'
    '<path d="M110 300h180v10H110z"/><path d="M240 128q-20-20 0-40t0-34" fill="none" stroke-width="3" '
    'opacity=".6"/>',
    "gift": '<rect x="120" y="180" width="160" height="120" rx="6"/>'
    '<rect x="110" y="150" width="180" height="40" rx="6" opacity=".85"/>'
    '<path d="M200 150v150" stroke="#fff" stroke-opacity=".7" stroke-width="10"/>',
    "leaf": '<path d="M120 290q-10-150 160-170-6 160-160 170z"/>'
    '<path d="M124 286q60-100 130-136" fill="none" stroke="#fff" stroke-opacity=".6" stroke-width="5"/>',
}


def drawing_for(tags: str) -> str:
    """The first tag that can be drawn; a leaf for everything else."""
    for tag in tags.split(","):
        if tag.strip() in DRAWINGS:
            return DRAWINGS[tag.strip()]
    return DRAWINGS["leaf"]


def picture(kind: str, colour: str, drawing: str) -> str:
    """One square picture."""
    light, dark = WALLS[kind]
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="800" height="800">'
        f'<defs><linearGradient id="w" x2="0" y2="1"><stop stop-color="{light}"/>'
        f'<stop offset="1" stop-color="{dark}"/></linearGradient></defs>'
        '<rect width="400" height="400" fill="url(#w)"/>'
        '<ellipse cx="200" cy="316" rx="120" ry="14" fill="#000" opacity=".12"/>'
        f'<g fill="{colour}" stroke="{colour}" stroke-width="2" stroke-linejoin="round">'
        f"{drawing}</g></svg>\n"
    )


def main() -> None:
    """Draw every picture that the file names."""
    media = HERE / "media"
    media.mkdir(exist_ok=True)
    kind = tags = ""
    colour_option = 0
    with (HERE / "products.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["Title"]:
                kind, tags = row["Type"], row["Tags"]
                names = [row[f"Option{n} Name"] for n in (1, 2)]
                colour_option = names.index("Colour") + 1 if "Colour" in names else 0
            if not row["Image Src"].startswith("/media/"):
                continue
            chosen = row[f"Option{colour_option} Value"] if colour_option else ""
            colour = COLOURS.get(chosen, USUAL[kind])
            target = media / row["Image Src"].removeprefix("/media/")
            target.write_text(picture(kind, colour, drawing_for(tags)), encoding="utf-8")


if __name__ == "__main__":
    main()
