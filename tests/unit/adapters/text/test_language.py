"""The detector of languages over fastText's compact model."""

import sys

import pytest

from gaveld.adapters.text.cpu_lane import CpuLane
from gaveld.adapters.text.language import FastTextLanguageDetector
from gaveld.domain.content import UNKNOWN_LANGUAGE

SENTENCES = {
    "en": (
        "The train to the coast leaves at half past nine.",
        "can you send me the notes from yesterday's lecture",
        "lol i cant believe he actually showed up",
        "Thanks so much, that was really kind of you!",
        "We should water the garden before it gets too hot.",
        "what time does the shop close on sundays",
    ),
    "de": (
        "Der Zug fährt heute leider nicht bis zum Hauptbahnhof.",
        "Kannst du mir bitte die Notizen von gestern schicken?",
        "Ich habe den ganzen Tag auf dich gewartet.",
        "Das Wetter soll am Wochenende wieder besser werden.",
        "Wo hast du denn die Schlüssel hingelegt?",
        "Wir treffen uns um acht vor dem Kino.",
    ),
    "fr": (
        "Est-ce que tu peux m'envoyer les notes d'hier ?",
        "Le train pour Lyon part dans dix minutes.",
        "Je ne sais pas encore si je viendrai ce soir.",
        "Il fait vraiment trop chaud dans cette pièce.",
        "Merci beaucoup pour ton aide, c'était parfait.",
        "On se retrouve devant le cinéma à huit heures.",
    ),
    "es": (
        "¿Puedes mandarme los apuntes de ayer, por favor?",
        "El tren sale dentro de diez minutos.",
        "No sé todavía si voy a poder ir esta noche.",
        "Hace demasiado calor en esta habitación.",
        "Muchas gracias por tu ayuda, todo salió bien.",
        "Nos vemos delante del cine a las ocho.",
    ),
    "pt": (
        "Você pode me mandar as anotações de ontem?",
        "O trem para o centro sai daqui a dez minutos.",
        "Ainda não sei se vou conseguir ir hoje à noite.",
        "Está muito calor dentro desta sala.",
        "Muito obrigado pela ajuda, deu tudo certo.",
        "A gente se encontra na frente do cinema às oito.",
    ),
    "it": (
        "Puoi mandarmi gli appunti di ieri, per favore?",
        "Il treno per Milano parte tra dieci minuti.",
        "Non so ancora se riesco a venire stasera.",
        "Fa davvero troppo caldo in questa stanza.",
        "Grazie mille per il tuo aiuto, è andato tutto bene.",
        "Ci vediamo davanti al cinema alle otto.",
    ),
    "nl": (
        "Kun je me de aantekeningen van gisteren sturen?",
        "De trein naar Utrecht vertrekt over tien minuten.",
        "Ik weet nog niet of ik vanavond kan komen.",
        "Het is veel te warm in deze kamer.",
        "Heel erg bedankt voor je hulp, het is gelukt.",
        "We zien elkaar om acht uur voor de bioscoop.",
    ),
    "pl": (
        "Czy możesz mi wysłać wczorajsze notatki?",
        "Pociąg do Krakowa odjeżdża za dziesięć minut.",
        "Jeszcze nie wiem, czy dam radę przyjść wieczorem.",
        "W tym pokoju jest zdecydowanie za gorąco.",
        "Bardzo dziękuję za pomoc, wszystko się udało.",
        "Spotkamy się o ósmej przed kinem.",
    ),
    "tr": (
        "Dünkü ders notlarını bana gönderebilir misin?",
        "Tren on dakika sonra kalkıyor, acele et.",
        "Bu akşam gelip gelemeyeceğimi henüz bilmiyorum.",
        "Bu oda gerçekten çok sıcak olmuş.",
        "Yardımın için çok teşekkür ederim.",
        "Saat sekizde sinemanın önünde buluşalım.",
    ),
    "sv": (
        "Kan du skicka mig anteckningarna från igår?",
        "Tåget till Göteborg går om tio minuter.",
        "Jag vet inte än om jag kan komma ikväll.",
        "Det är alldeles för varmt i det här rummet.",
        "Tack så mycket för hjälpen, allt gick bra.",
        "Vi ses framför biografen klockan åtta.",
    ),
    "id": (
        "Bisakah kamu mengirimkan catatan kemarin kepadaku?",
        "Kereta ke Bandung berangkat sepuluh menit lagi.",
        "Aku belum tahu apakah bisa datang nanti malam.",
        "Ruangan ini terlalu panas untuk belajar.",
        "Terima kasih banyak atas bantuannya.",
        "Kita bertemu di depan bioskop jam delapan.",
    ),
    "ru": (
        "Можешь прислать мне вчерашние записи?",
        "Поезд отправляется через десять минут.",
        "Я пока не знаю, смогу ли прийти вечером.",
        "В этой комнате слишком жарко.",
        "Большое спасибо за помощь, всё получилось.",
        "Встретимся в восемь у кинотеатра.",
    ),
    "uk": (
        "Чи можеш надіслати мені вчорашні нотатки?",
        "Потяг вирушає за десять хвилин.",
        "Я ще не знаю, чи зможу прийти ввечері.",
        "У цій кімнаті надто спекотно.",
        "Щиро дякую за допомогу, усе вийшло.",
        "Зустрінемося о восьмій біля кінотеатру.",
    ),
    "ar": (
        "هل يمكنك أن ترسل لي ملاحظات الأمس؟",
        "يغادر القطار بعد عشر دقائق.",
        "لا أعرف بعد إن كنت سأستطيع الحضور الليلة.",
        "الجو حار جدا في هذه الغرفة.",
        "شكرا جزيلا على مساعدتك.",
        "نلتقي أمام السينما في الساعة الثامنة.",
    ),
    "hi": (
        "क्या तुम मुझे कल के नोट्स भेज सकते हो?",
        "ट्रेन दस मिनट में छूटने वाली है।",
        "मुझे अभी नहीं पता कि मैं आज रात आ पाऊँगा या नहीं।",
        "इस कमरे में बहुत गर्मी है।",
        "आपकी मदद के लिए बहुत धन्यवाद।",
        "हम आठ बजे सिनेमा के सामने मिलेंगे।",
    ),
    "zh": (
        "你能把昨天的笔记发给我吗？",
        "去上海的火车十分钟后出发。",
        "我还不知道今天晚上能不能来。",
        "这个房间实在太热了，开一下窗户吧。",
        "非常感谢你的帮助，一切都很顺利。",
        "我们八点在电影院门口见面。",
    ),
    "ja": (
        "昨日のノートを送ってもらえますか？",
        "電車は十分後に出発します。",
        "今夜行けるかどうかまだ分かりません。",
        "この部屋は本当に暑すぎますね。",
        "手伝ってくれて本当にありがとう。",
        "八時に映画館の前で会いましょう。",
    ),
    "ko": (
        "어제 수업 노트를 보내 줄 수 있어요?",
        "기차가 십 분 뒤에 출발합니다.",
        "오늘 저녁에 갈 수 있을지 아직 모르겠어요.",
        "이 방은 정말 너무 더워요.",
        "도와줘서 정말 고마워요.",
        "여덟 시에 영화관 앞에서 만나요.",
    ),
}
CHAT = [
    "lol i cant believe he actually showed up",
    "wanna see what i do when im alone",
    "dont wanna wake up tmrw",
    "the last tenant cried too",
    "im g o n n a   b e   l a t e   a g a i n",
    "SOOOOOOO PROUD OF YOUUUUUU",
    "y0u 4r3 7h3 b357 p3r50n 1n 7h15 ch47",
    "no talent hack",
    "new phone, who dis",
    "deep fried mars bar, worth it",
    "fake friends, fake hair, fake smile",
    "@someone ok see you at the club https://example.com/xyz",
    "v\u0435ry n\u0456c\u0435, th\u0430nk y\u043eu \u0430ll",
    "no no no no no",
    "ha ha ha ha haaaaaa",
    "bruh",
]
WORDLESS = [
    "https://www.example.de/der-die-das/und",
    "@hans @fritz #straße #wetter",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "ISL 3 (-5), ARG 1 (-6), AUT 1 (-7)",
    "\U0001f680\U0001f333 \u2764\ufe0f",
    "ja",
    "привет",
]


@pytest.fixture(scope="module")
def detector():
    lane = CpuLane()
    yield FastTextLanguageDetector(lane)
    lane.close()


@pytest.mark.parametrize("code", SENTENCES)
async def test_a_sentence_is_told_by_its_language(detector: FastTextLanguageDetector, code: str):
    """Law: of six everyday sentences at least four are told, and none is taken for another."""
    codes = [(await detector.detect(sentence)).code for sentence in SENTENCES[code]]
    assert set(codes) <= {code, UNKNOWN_LANGUAGE, "und-Latn"}
    assert codes.count(code) >= 4


@pytest.mark.parametrize("text", CHAT)
async def test_english_chat_is_taken_for_no_other_language(
    detector: FastTextLanguageDetector, text: str
):
    """Law: slang, shouting and disguises do not keep the English classifiers from looking."""
    assert (await detector.detect(text)).code in ("en", UNKNOWN_LANGUAGE)


@pytest.mark.parametrize("text", WORDLESS)
async def test_links_names_codes_and_single_words_have_no_language(
    detector: FastTextLanguageDetector, text: str
):
    """Law: only the words of a text speak for its language, and one word does not."""
    assert not (await detector.detect(text)).is_known


async def test_a_long_text_is_judged_by_its_whole_length(detector: FastTextLanguageDetector):
    """Law: an English greeting does not make a German text English."""
    german = "Der Zug fährt heute leider nicht bis zum Hauptbahnhof. "
    assert (await detector.detect("Hello there everybody! " + german * 2_000)).code == "de"


async def test_the_model_is_read_from_the_wheel_and_nothing_is_fetched(monkeypatch):
    """Law: the detector needs no network, no cache folder and no downloader."""
    monkeypatch.setattr("socket.socket.connect", _refuse)
    lane = CpuLane()
    detector = FastTextLanguageDetector(lane)
    assert (await detector.detect(SENTENCES["en"][0])).code == "en"
    assert "robust_downloader" not in sys.modules
    lane.close()


def _refuse(*_args: object) -> None:
    raise AssertionError("the detector reached for the network")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("я тебя убью", "und-Cyrl"),
        ("мудак", "und-Cyrl"),
        ("你去死", "und-Hani"),
        ("殺すぞ", "und-Jpan"),
        ("سأقتلك", "und-Arab"),
        ("αβγδ", "und-Grek"),
        ("ᏣᎳᎩ", "und-Zzzz"),
        ("nice ツ", "und"),
        ("The weather is nice today. я тебя убью завтра. See you later", "mul"),
        ("раураl login", "und"),
        ("te voy a matar", "und-Latn"),
        ("hijo de puta", "und-Latn"),
        ("hello there", "und"),
    ],
)
async def test_a_script_is_told_where_the_language_is_not(detector, text: str, code: str):
    """Law: text that no reader of English can read is never taken for perhaps English."""
    assert (await detector.detect(text)).code == code
