"""Sentences to annotators and back: python scripts/annotate.py action=export corpus=labelled.jsonl output=tasks.json"""

from pathlib import Path

from stance.app import run
from stance.config import AnnotateConfig


def main(config: AnnotateConfig, _: Path) -> int:
    # Imported when the config is known to be sound: a misspelt key is told at once, not after seconds of imports.
    from stance.annotate import check_labels, export_sentences, import_annotations, suggest_sentences
    from stance.display import exported_line, imported_lines, show, suggested_lines, suspects_lines

    match config.action.name:
        case "export":
            show(exported_line(export_sentences(config)))
        case "import":
            imported = import_annotations(config)
            show(*imported_lines(imported))
            return 2 if imported.set_aside else 0
        case "suggest":
            show(*suggested_lines(suggest_sentences(config)))
        case "check":
            show(*suspects_lines(check_labels(config)))
    show(f"Written to {config.output}")
    return 0


if __name__ == "__main__":
    run(main, AnnotateConfig, "annotate")
