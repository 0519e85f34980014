"""Every link of every document leads somewhere: to a file that is there, and to a heading that it has."""

from pathlib import Path

import pytest

from docs.pages import anchors, links, pages
from house.source_tree import ROOT, read


def broken(page: Path) -> list[str]:
    return [link for link in links(page) if not leads_somewhere(page, link)]


def leads_somewhere(page: Path, link: str) -> bool:
    if "://" in link or link.startswith("mailto:"):
        return True
    name, _, anchor = link.partition("#")
    target = (ROOT / page.parent / name).resolve() if name else ROOT / page
    if not target.exists():
        return False
    return not anchor or (target.suffix == ".md" and anchor in anchors(target.relative_to(ROOT)))


@pytest.mark.parametrize("page", pages(), ids=str)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


def test_from_the_readme_and_the_map_a_reader_comes_to_every_document() -> None:
    found, open_pages = set[Path](), [Path("README.md")]
    while open_pages:
        page = open_pages.pop()
        if page in found or page.suffix != ".md" or not (ROOT / page).is_file():
            continue
        found.add(page)
        targets = [link.partition("#")[0] for link in links(page) if "://" not in link]
        open_pages += [(ROOT / page.parent / target).resolve().relative_to(ROOT) for target in targets if target]
    assert set(pages()) - found == set()


@pytest.mark.parametrize("link", ["nowhere.md", "guarantees.md#nothing", "#nothing", "../scripts/proto.py#nothing"])
def test_a_link_that_leads_nowhere_is_seen(link: str) -> None:
    assert not leads_somewhere(Path("docs/architecture.md"), link)


def test_a_heading_is_found_as_a_browser_finds_it() -> None:
    assert "## Leases, and who may judge" in read(Path("docs/architecture.md"))
    assert leads_somewhere(Path("docs/guarantees.md"), "architecture.md#leases-and-who-may-judge")
