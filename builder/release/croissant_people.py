"""Croissant's fields on responsible AI: manifest and rows enter; plain sentences by field leave."""

from collections.abc import Mapping
from typing import Any

from builder.release.card.creation import find_models
from builder.release.card.facts import (
    Writer,
    Writers,
    count_writers,
    find_simulations,
    is_held_out,
    tell_count,
    tell_interval,
)
from builder.release.card.limits import (
    list_limits,
    tell_out_of_scope,
    tell_personal,
    tell_use,
)
from builder.release.card.markdown import flatten, to_plain
from builder.release.card.review import describe_annotation, is_simulated, list_answer_counts
from builder.release.card.tally import Tally

__all__ = ["describe_responsibility"]

Manifest = Mapping[str, Any]


def describe_responsibility(manifest: Manifest, tally: Tally) -> dict[str, Any]:
    """Return the fields of the vocabulary ``rai`` that the manifest knows something on."""
    writers = count_writers(tally)
    fields: dict[str, Any] = {
        "rai:dataCollection": _tell_collection(manifest, tally, writers),
        "rai:dataCollectionType": _list_types(writers),
        "rai:dataPreprocessingProtocol": [_tell_funnel(manifest)],
        "rai:dataAnnotationProtocol": _tell_annotation(manifest, tally),
        "rai:dataAnnotationAnalysis": _list_agreement(manifest),
        "rai:annotationsPerItem": _tell_per_item(manifest),
        "rai:annotatorDemographics": _list_statements(manifest),
        "rai:machineAnnotationTools": _list_tools(manifest, tally),
        "rai:dataBiases": [to_plain(limit) for limit in list_limits(manifest, tally)],
        "rai:dataLimitations": [to_plain(told) for told in tell_out_of_scope(manifest)],
        "rai:dataUseCases": [tell_use(manifest, tally)],
        "rai:dataSocialImpact": (
            "Unsafe options take a stance that may offend or hurt, without operational detail. A model "
            "trained on the items would look safer than it is."
        ),
        "rai:personalSensitiveInformation": [to_plain(tell_personal(manifest))],
        "rai:dataReleaseMaintenancePlan": _tell_maintenance(manifest),
    }
    return {name: value for name, value in fields.items() if value}


def _tell_collection(manifest: Manifest, tally: Tally, writers: Writers) -> str:
    simulations = find_simulations(manifest, tally)
    names = sorted({name for (kind, name) in writers if kind is Writer.MODEL})
    told = f"Texts were written by: {', '.join(names)}. " if names else ""
    told += "Each question has a safe and an unsafe option, checked by rule and decided in review."
    return told + (f" Simulated: {', '.join(simulations)}." if simulations else "")


def _list_types(writers: Writers) -> list[str]:
    words = {
        Writer.MODEL: "Machine-generated",
        Writer.IMPORT: "Secondary data analysis",
        Writer.PERSON: "Manual human curator",
    }
    kinds = {kind for kind, _ in writers}
    return [word for kind, word in words.items() if kind in kinds]


def _tell_funnel(manifest: Manifest) -> str:
    told = [
        f"{stage['stage']}: {stage['in']} in, {stage['out']} out, {stage['rejected']} rejected"
        for stage in manifest["funnel"]
    ]
    return "; ".join(told)


def _tell_annotation(manifest: Manifest, tally: Tally) -> str:
    told = describe_annotation(manifest, tally)["review"].split("\n\n")
    return " ".join(to_plain(part) for part in told if not part.startswith("|"))


def _list_agreement(manifest: Manifest) -> list[str]:
    who = "simulated reviewers" if is_simulated(manifest["review"]) else "reviewers"
    found = []
    for question, measured in sorted(manifest["review"].get("agreement", {}).items()):
        estimate = measured["overall"]["ac1"]
        if estimate["value"] is not None:
            interval = tell_interval(estimate["interval"], percent=False)
            told = f"AC1 of {who} on {question}: {estimate['value']:.2f} {interval}"
            found.append(f"{told.strip()}, on {estimate['basis']['pairable_units']} items")
    return found


def _tell_per_item(manifest: Manifest) -> str:
    counts = list_answer_counts(manifest["review"])
    return "; ".join(f"{tell_count(count, 'item')}: {answers}" for answers, count in counts)


def _list_statements(manifest: Manifest) -> list[str]:
    keys = ("recruitment", "pay", "consent", "ethics")
    review = manifest["review"]
    return [f"{key}: {flatten(review[key])}" for key in keys if review.get(key)]


def _list_tools(manifest: Manifest, tally: Tally) -> list[str]:
    judge = find_models(manifest, tally).get("judge")
    tools = [f"judge of options: {judge['name']} ({judge['model']})"] if judge else []
    return [*tools, f"finebench {manifest['versions'].get('finebench', '')}".strip()]


def _tell_maintenance(manifest: Manifest) -> str:
    private = " This split is private and is not published." if is_held_out(manifest) else ""
    return (
        "Versions are three numbers and never change once released; ids of items are stable, and items "
        f"that are taken out are listed with reasons in manifest.json.{private}"
    )
