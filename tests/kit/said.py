"""What a university says of itself when it has said everything."""

from adsum.core.declared import For
from adsum.privacy.purposes import Basis, Condition, Pursued, Says

WHOLE = Says(
    controller="University of Example",
    address="1 College Road, Luton",
    officer_email="dpo@uni.example",
    officer_telephone="01582 400000",
    accessibility_email="access@uni.example",
    purposes={
        one: Pursued(Basis.PUBLIC_TASK, Condition.PUBLIC_INTEREST if one == For.SUPPORT else Condition.NONE) for one in For
    },
)
