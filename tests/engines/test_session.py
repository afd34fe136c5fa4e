"""How Spark is started, and what is said where it cannot be."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import crm_lib
from crm_lib import engine
from crm_lib.errors import UsageError

SITE = ("SPARK_REMOTE", "CRM_SPARK_MASTER", "SPARK_CONF_DIR")


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """No cluster named."""
    pytest.importorskip("pyspark")
    for name in SITE:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_local_session_keeps_to_the_share_of_this_process(settings: pytest.MonkeyPatch) -> None:
    from crm_lib import spark

    settings.setenv("CRM_THREADS", "3")
    settings.setenv("CRM_MEMORY", "2GiB")
    found = spark._settings()
    assert found["spark.master"] == "local[3]"
    assert found["spark.driver.memory"] == "2048m"
    assert found["spark.driver.bindAddress"] == "127.0.0.1"
    assert found["spark.ui.enabled"] == "false"


@pytest.mark.parametrize("name", SITE)
def test_a_cluster_keeps_its_own_configuration(name: str, settings: pytest.MonkeyPatch) -> None:
    from crm_lib import spark

    settings.setenv(name, "spark://host:7077")
    found = spark._settings()
    assert found.get("spark.master") == (
        "spark://host:7077" if name == "CRM_SPARK_MASTER" else None
    )
    assert not {"spark.driver.memory", "spark.local.dir", "spark.sql.shuffle.partitions"} & set(
        found
    )


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(crm_lib, "spark", raising=False)
    monkeypatch.setitem(sys.modules, "crm_lib.spark", None)
    with pytest.raises(UsageError, match=r"pip install 'crm-reports\[spark\]'"):
        engine.of_kind("spark")


def test_without_java_it_says_what_to_install(settings: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from crm_lib import spark

    settings.setattr(spark.SparkSession, "getActiveSession", lambda: None)
    settings.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(UsageError, match="default-jre-headless"):
        engine.of_kind("spark")
