"""Which words of a need are informative: only those are quoted on a card."""

from collections.abc import Mapping

from imatch.ranking.text.stems import stems

# Words that appear in any request. They count in scores like all others: this list decides only
# what is quoted. Each word stands for its stem, so "look" covers "looking".
_UNINFORMATIVE = frozenset(
    stems(
        """
        able above absolutely accept across actual actually add advice advise adviser advisers
        advisor afternoon against ago allow almost alone along already alright although always
        among amount another answer anybody anymore anyone anything anyway appear appointment
        approach april arrive aside ask august autumn available away back bad badly base based
        basic became become began begin beginning begun behind believe below best better between
        beyond big bit both bring brought call came care careful carefully case cause certain
        certainly change choose chose clear clearly client close coach coaching come complete
        completely concern consider contact continue correct cost counseling counselling
        counselor couple course current currently daily day deal december decent decide decision
        definitely depend describe despite detail difference different difficult directly
        discuss done double due during each early easily easy effort eight either else end enjoy
        enough entire especially etc evening eventually ever everybody everyone everything exact
        exactly example except expect experience experienced expert explain extra extremely face
        fact fail fairly familiar far february feel feeling felt few fifth figure final finally
        find fine finish first five fix follow former forward found four friday friend full
        fully future gave general generally give given goal goes going gone good gotten great
        guess guide guy half hand handle happen happened happy hard hardly hear heard hello help
        helped helpful hence hesitate high hope hour however huge hundred idea imagine
        immediately important improve inside instead interest interested introduce involve issue
        january join july june keep kept key kind knew know knowledge known large last late
        lately later latest least leave left less let level life liked likes list little live
        long longer look lose lost lots love low made main mainly major make making march matter
        may maybe mean means meant meet meeting mention mentor met middle might million mine
        minute miss mistake moment monday month monthly morning mostly move moved must name near
        nearly necessary needed needing neither never new next nice night nine ninth nobody none
        normal normally note nothing notice november now number obvious obviously occasionally
        october offer often ok okay old one ones online open order ordinary otherwise outside
        overall owned page part particular particularly past people per percent perfect perhaps
        person personal personally phone pick piece place plan please plenty plus point possible
        possibly practice practise prefer prepare pretty previous previously probably problem
        process professional progress proper properly provide put question quick quickly quite
        ran range rather reach read ready real realise realize reason recent recently recommend
        regard regular regularly remote rest result right run said sat saturday saw say search
        second see seek seem seen sense september serious seriously service session set seven
        several shall shape short shortly show side similar simple simply since sit situation
        six slow slowly small somebody somehow something sometimes somewhat somewhere soon sort
        speak specialist specific spend spent spring stage stand start state stay step stick
        still stop story straight stuck stuff summer sunday support suppose sure surprise take
        taken talk task tell ten tend term thank thanks therapist therapy thing think third
        thirty though thought thousand three thursday till time today together told tomorrow
        tonight took topic totally toward towards track train trainer training treat tried try
        trying tuesday turn tutor twelve twenty twice two type unable under unfortunately unless
        unsure upon use used useful usual usually various video view visit wait wanted wanting
        watch way wednesday week weekend weekly well went whatever whenever wherever whether
        whoever whole willing winter wish within without wonder word work world worth wrong year
        yearly yes yesterday yet young
        """
    )
)
_SHORT_NUMBER_DIGITS = 2  # digits: an age or a count, while 529 and 401k are names


def informative(weights: Mapping[str, float]) -> dict[str, float]:
    """The informative stems among these, with their positive weights."""
    return {
        stem: weight for stem, weight in weights.items() if weight > 0 and _is_informative(stem)
    }


def _is_informative(stem: str) -> bool:
    short_number = stem.isdecimal() and len(stem) <= _SHORT_NUMBER_DIGITS
    return stem not in _UNINFORMATIVE and not short_number and "'" not in stem
