"""Charts in our look: drawn as SVG, so that colours are tokens of `theme.css` and follow the theme by themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

from admin_ui.scope import say
from admin_ui.words import Words, pick

__all__ = ["bars", "chart", "lines"]

_TEXT = {"color": "var(--muted)", "fontFamily": "Inter, system-ui, sans-serif", "fontSize": 11}


def chart(options: Mapping[str, Any], *, label: Words, height_px: int = 240) -> ui.echart:
    """Any ECharts options; what they do not say is ours. `label` is what a screen reader is told."""
    base: dict[str, Any] = {
        "color": [f"var(--chart-{n})" for n in range(1, 6)],
        "textStyle": _TEXT,
        "animationDuration": 250,
        "grid": {
            "left": 6,
            "right": 12,
            "top": 34 if len(options.get("series", ())) > 1 else 10,
            "bottom": 4,
            "containLabel": True,
        },
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": "var(--raised)",
            "borderColor": "var(--line)",
            "textStyle": {**_TEXT, "color": "var(--ink)", "fontSize": 12},
            "confine": True,
            "axisPointer": {"type": "line", "lineStyle": {"color": "var(--line-strong)", "type": "dashed"}},
        },
        "legend": {
            "show": len(options.get("series", ())) > 1,
            "top": 0,
            "left": 0,
            "icon": "roundRect",
            "itemWidth": 10,
            "itemHeight": 10,
            "itemGap": 16,
            "textStyle": {**_TEXT, "fontSize": 12},
        },
    }
    found = ui.echart({**base, **options}, renderer="svg").style(f"height: {height_px}px; width: 100%")
    found.props('role="img"').props["aria-label"] = say(label)
    return found


def lines(
    days: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    label: Words,
    height_px: int = 240,
    filled: bool = True,
) -> ui.echart:
    drawn = [
        {
            "name": name,
            "type": "line",
            "data": list(values),
            "smooth": 0.25,
            "symbol": "circle",
            "symbolSize": 5,
            "showSymbol": False,
            "lineStyle": {"width": 2},
            **({"areaStyle": {"opacity": 0.08}} if filled and number == 0 else {}),
        }
        for number, (name, values) in enumerate(series.items())
    ]
    return chart({"xAxis": _category(days), "yAxis": _value(), "series": drawn}, label=label, height_px=height_px)


def bars(
    names: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    label: Words,
    height_px: int = 240,
    stacked: bool = False,
) -> ui.echart:
    drawn = [
        {
            "name": name,
            "type": "bar",
            "data": list(values),
            "barMaxWidth": 18,
            "itemStyle": {"borderRadius": [3, 3, 0, 0]},
            **({"stack": "all"} if stacked else {}),
        }
        for name, values in series.items()
    ]
    return chart({"xAxis": _category(names), "yAxis": _value(), "series": drawn}, label=label, height_px=height_px)


def named(series: Mapping[str, tuple[Words, Sequence[float]]], locale: str) -> dict[str, Sequence[float]]:
    return {pick(words, locale): values for words, values in series.values()}


def _category(names: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "category",
        "data": list(names),
        "axisTick": {"show": False},
        "axisLine": {"lineStyle": {"color": "var(--line)"}},
        "axisLabel": {**_TEXT, "hideOverlap": True},
    }


def _value() -> dict[str, Any]:
    return {
        "type": "value",
        "minInterval": 1,
        "splitLine": {"lineStyle": {"color": "var(--line)"}},
        "axisLabel": _TEXT,
        "splitNumber": 4,
    }
