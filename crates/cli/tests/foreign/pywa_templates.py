"""pywa's own validation of templates over the kept corpus, and the corpus through pywa to the simulator.

Usage: pywa_templates.py <folder of the corpus> <JSON that `transom simulate --json` has printed>

What pywa says differently from the corpus must be in the table of the corpus' README, and nothing else may be there. Then every case goes
through pywa: what is accepted is created, approved, read, listed and sent; what is refused is refused.
"""

import datetime
import glob
import json
import logging
import os
import sys
import warnings

from pywa import errors
from pywa.types import templates as t
from pywa.types import ProductsSection

from pywa_desk import client, desk, meta

corpus = sys.argv[1]
cases = {case["id"]: case for path in sorted(glob.glob(os.path.join(corpus, "*.json"))) for case in json.load(open(path, encoding="utf-8"))}
assert len(cases) >= 150, len(cases)


# ---- what pywa says ------------------------------------------------------------------------------------------------------


class Complaints(logging.Handler):
    """pywa logs what it cannot build, and goes on with the plain dictionary."""

    def __init__(self):
        super().__init__()
        self.heard = []

    def emit(self, record):
        self.heard.append(record.getMessage())


complaints = Complaints()
logging.getLogger("pywa").addHandler(complaints)
logging.getLogger("pywa").propagate = False


def built(request):
    """The template as pywa has it, and whether it had nothing against it."""
    complaints.heard.clear()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            template = t.Template.from_dict(request)
        except Exception:  # whatever it is, pywa does not build this
            return None, False
    return template, not complaints.heard and not warned


def words(cell):
    return [word.strip(" `") for word in cell.split(",")]


def table():
    """The rows `| passes | rules or cases | why |` and `| refuses | cases | why |` of the README."""
    kept = {"passes": set(), "refuses": set()}
    with open(os.path.join(corpus, "README.md"), encoding="utf-8") as readme:
        rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in readme if line.startswith("|")]
    for verdict, of, why in (row for row in rows if row[0] in kept):
        assert why, f"no reason for {of}"
        for word in words(of):
            of_rule = [id for id, case in cases.items() if case["expected"].get("rule") == word]
            assert of_rule or word in cases, f"the table has {word}, which is neither a rule nor a case"
            kept[verdict].update(of_rule or [word])
    return kept


found = {"passes": set(), "refuses": set()}
for id, case in cases.items():
    template, passes = built(case["request"])
    accepted = case["expected"]["outcome"] == "accepted"
    if accepted != passes:
        found["refuses" if accepted else "passes"].add(id)
kept = table()
for verdict in found:
    assert found[verdict] == kept[verdict], (
        f"pywa {verdict}, and the table does not say so: {sorted(found[verdict] - kept[verdict])}; "
        f"the table says so, and pywa does not: {sorted(kept[verdict] - found[verdict])}"
    )


# What pywa leaves out or puts where it belongs is good by the time it is sent.
MENDED = {
    "unknown_member",
    "unknown_member_of_component",
    "button_with_unknown_member",
    "samples_of_the_header",
    "voice_call_for_no_time",
    "voice_call_for_longer",
}

# ---- through pywa to the simulator ---------------------------------------------------------------------------------------

wa = client()
phone = "+4915550200002"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(64)
SAMPLES = {
    t.HeaderImage: (PNG, "image/png"),
    t.HeaderVideo: (b"\x00\x00\x00\x18ftypmp42" + bytes(64), "video/mp4"),
    t.HeaderDocument: (b"%PDF-1.7\n" + bytes(64), "application/pdf"),
}
LINKS = {t.HeaderImage: ("image", "jpg"), t.HeaderVideo: ("video", "mp4"), t.HeaderDocument: ("document", "pdf")}
# Quotas have tests of their own.
desk("PATCH", "/sim/v1/settings", {"autoReviewSeconds": 0, "templateCreationsPerHour": 10_000, "managementCallsPerHour": 1_000_000})
desk("POST", "/sim/v1/customers", {"phone": phone, "name": "Dora"})


def parts(components):
    """Every component, those of cards and buttons too."""
    for component in components:
        yield component
        for card in getattr(component, "cards", None) or []:
            yield from parts(card.components)


def with_files(template):
    """Samples of files are uploaded by pywa itself; the corpus only has handles."""
    for component in parts(template.components):
        if type(component) in SAMPLES:
            component.__init__(SAMPLES[type(component)][0], mime_type=SAMPLES[type(component)][1])
    return template


def short(sample):
    """A value that fits everywhere: with the longest samples some texts would be too long."""
    return str(sample)[:12]


def value(component, index, catalog):
    """A value for whatever takes one at this place, made by pywa."""
    match component:
        case t.HeaderText() | t.BodyText():
            example = component.example
            if not example:
                return None
            if isinstance(example, dict):
                return component.params(**{name: short(sample) for name, sample in example.items()})
            return component.params(*map(short, example))
        case t.HeaderImage() | t.HeaderVideo() | t.HeaderDocument():
            name, ending = LINKS[type(component)]
            return component.params(**{name: f"https://files.example/sample.{ending}"})
        case t.HeaderLocation():
            return component.params(lat=52.5, lon=13.4, name="Shop", address="Main Street 7")
        case t.HeaderProduct():
            return component.params(catalog_id=catalog, sku="sku-tea")
        case t.AuthenticationBody():
            return component.params(otp="123456")
        case t.BaseOTPButton():
            return component.params(otp="123456")
        case t.QuickReplyButton():
            return component.params(callback_data=f"tap-{index}", index=index)
        case t.URLButton() if component.example:
            return component.params(url_variable="A-17", index=index)
        case t.CopyCodeButton():
            return component.params(coupon_code="SPRING25", index=index)
        case t.LimitedTimeOffer() if component.has_expiration:
            return component.params(expiration_time=datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=3))
        case t.FlowButton():
            return component.params(index=index, flow_token="visit-1")
        case t.CatalogButton():
            return component.params(index=index, thumbnail_product_sku="sku-tea")
        case t.MPMButton():
            sections = [ProductsSection(title="Tea", skus=["sku-tea", "sku-pot"])]
            return component.params(product_sections=sections, thumbnail_product_sku="sku-tea", index=index)
        case t.Carousel():
            cards = component.cards
            return component.params(cards=[card.params(params=values(card.components, catalog), index=at) for at, card in enumerate(cards)])
    return None


def values(components, catalog):
    made = []
    for component in components:
        if isinstance(component, t.Buttons):
            made += [value(button, at, catalog) for at, button in enumerate(component.buttons)]
        else:
            made.append(value(component, 0, catalog))
    return [one for one in made if one is not None]


def refuse(id, template, expected, passes):
    """What is wrong with the way in which a bad template is refused; nothing if it is refused as it should be."""
    try:
        read = reviewed(wa.create_template(with_files(template)))
    except errors.WhatsAppError as error:
        wanted = (expected["code"], expected.get("subcode") if passes else error.subcode)
        told = (error.code, error.subcode if wanted[1] else None)
        return None if told == wanted else f"refused with {told} instead of {wanted}: {error.details or error.user_msg}"
    except Exception as error:  # what pywa could not build it could not print either
        return None if not passes else f"{error!r}"
    rejected = read.status == t.TemplateStatus.REJECTED and read.rejected_reason == t.TemplateRejectionReason.INVALID_FORMAT
    return None if rejected else f"the simulator takes it: {read.status}"


def reviewed(made):
    """The template as it is read once the review is over: no time passes but what is turned."""
    desk("POST", "/sim/v1/clock", {"advanceSeconds": 1})
    return wa.get_template(made.id)


def take(template, request, passes):
    """Creates, approves, reads, lists, sends and deletes a good template."""
    made = wa.create_template(with_files(template))
    read = reviewed(made)
    assert (read.name, read.language, read.status) == (request["name"], template.language, t.TemplateStatus.APPROVED), read
    listed = [one.id for one in wa.get_templates(name=request["name"])]
    assert listed == [made.id], listed
    # A raw dictionary is what pywa could not build: it has no values for it.
    if passes:
        wa.send_template(to=phone, name=read.name, language=read.language, params=values(template.components, meta["catalogId"]))
    # Delivered, or it would keep the template from being deleted; and no more than one message in six seconds to a customer.
    desk("POST", "/sim/v1/clock", {"advanceSeconds": 60})
    # The next case may have the same text, which Meta refuses beside this one.
    wa.delete_template(request["name"], template_id=made.id)


wrong, done = [], {"accepted": 0, "refused": 0}
for id, case in cases.items():
    template, passes = built(case["request"])
    if template is None or id in MENDED:
        continue
    if case["expected"]["outcome"] == "refused":
        why = refuse(id, template, case["expected"], passes)
    else:
        try:
            why = take(template, case["request"], passes)
        except Exception as error:
            why = f"{error!r}"
    done[case["expected"]["outcome"]] += 1
    if why:
        wrong.append(f"{id}: {why}")

assert not wrong, f"{len(wrong)} of {sum(done.values())} go another way through pywa:\n" + "\n".join(wrong)
differences = sum(map(len, found.values()))
print(f"pywa: {len(cases)} templates, {differences} differences explained; {done['accepted']} created, listed and sent, {done['refused']} refused")
