"""A floor plan: Leaflet over an image. No tiles, no network."""

from __future__ import annotations

from nicegui import ui

__all__ = ["FloorPlan"]


class FloorPlan:
    """Places are pixels of the image, from its upper left corner; `at` makes of them what Leaflet's layers take.

        plan = FloorPlan("/plans/hall.png", width_px=1600, height_px=900, label="Hall 1")
        plan.map.marker(latlng=plan.at(120, 300))

    The image lies on the equator and is a degree wide, where Leaflet's usual projection is straight to within a five-thousandth.
    """

    def __init__(self, image_url: str, *, width_px: int, height_px: int, label: str) -> None:
        self._scale = 1 / max(width_px, height_px)
        self._height = height_px
        bounds = [list(self.at(0, height_px)), list(self.at(width_px, 0))]
        self.map = ui.leaflet(
            center=self.at(width_px / 2, height_px / 2),
            zoom=9,
            options={"attributionControl": False, "zoomSnap": 0.25, "minZoom": 7, "maxZoom": 14},
        ).classes("cn-map")
        self.map.props["aria-label"] = label
        self.map.clear_layers()  # the tiles of a street map, which would be fetched from elsewhere
        self.map.image_overlay(url=image_url, bounds=bounds)
        self.map.run_map_method("fitBounds", bounds)

    def at(self, x_px: float, y_px: float) -> tuple[float, float]:
        return (self._height - y_px) * self._scale, x_px * self._scale

    def pixel(self, latitude: float, longitude: float) -> tuple[float, float]:
        """The other way: for clicks and dragged markers."""
        return longitude / self._scale, self._height - latitude / self._scale
