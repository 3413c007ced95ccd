"""How the judges of a run are trained."""

from tf_translate.config.schema import EvaluationConfig
from tf_translate.evaluation.judges.judges import JudgeSettings


def judge_settings(config: EvaluationConfig, *, more: int = 0) -> JudgeSettings:
    """The settings of judges by those of a run; `more` is added to the seed, for other judges."""
    return JudgeSettings(
        domain_steps=config.domain_steps,
        content_steps=config.content_steps,
        seed=config.seed + more,
    )
