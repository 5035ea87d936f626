"""Built files are read and compressed once; parts, checks and refusals work as from the disk."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imatch.web import rendering

STYLE = b"main { color: teal }\n" * 200


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "app-1.css").write_bytes(STYLE)
    (tmp_path / "assets" / "sans-1.woff2").write_bytes(b"a font")
    (tmp_path / "favicon.svg").write_bytes(b"<svg/>")
    monkeypatch.setattr(rendering, "STATIC_FOLDER", tmp_path)
    return tmp_path


@pytest.fixture
def site(folder: Path) -> Iterator[TestClient]:
    app = FastAPI()
    app.mount("/static", rendering.static_files())
    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize("encoding", ["gzip, br", "identity", ""])
def test_whoever_takes_gzip_gets_it(site: TestClient, encoding: str) -> None:
    answer = site.get("/static/assets/app-1.css", headers={"Accept-Encoding": encoding})
    assert answer.content == STYLE
    assert answer.headers["content-type"] == "text/css; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    compressed = len(gzip.compress(STYLE))
    length = compressed if "gzip" in encoding else len(STYLE)
    assert int(answer.headers["content-length"]) == length
    assert ("content-encoding" in answer.headers) == ("gzip" in encoding)


def test_a_font_goes_out_as_it_is(site: TestClient) -> None:
    answer = site.get("/static/assets/sans-1.woff2", headers={"Accept-Encoding": "gzip"})
    assert answer.content == b"a font"
    assert "content-encoding" not in answer.headers


def test_who_has_the_file_gets_no_second_one(site: TestClient) -> None:
    etag = site.get("/static/assets/app-1.css").headers["etag"]
    again = site.get("/static/assets/app-1.css", headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in again.headers["cache-control"]


def test_a_part_is_a_part_of_the_plain_file(site: TestClient) -> None:
    headers = {"Range": "bytes=0-3", "Accept-Encoding": "gzip"}
    part = site.get("/static/assets/app-1.css", headers=headers)
    assert (part.status_code, part.content) == (206, b"main")


def test_a_head_has_the_headers_alone(site: TestClient) -> None:
    answer = site.head("/static/assets/app-1.css")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_a_file_without_a_hash_is_read_each_time(site: TestClient, folder: Path) -> None:
    assert site.get("/static/favicon.svg").content == b"<svg/>"
    (folder / "favicon.svg").write_bytes(b"<svg id='new'/>")
    answer = site.get("/static/favicon.svg")
    assert answer.content == b"<svg id='new'/>"
    assert answer.headers["cache-control"] == "public, max-age=3600"


@pytest.mark.parametrize("path", ["assets/app-2.css", "assets/", "assets/../../secret", "%00"])
def test_what_is_not_there_is_refused(site: TestClient, path: str) -> None:
    assert site.get(f"/static/{path}").status_code == 404
