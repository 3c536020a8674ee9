//! The words that count unless a business says otherwise. Only such as hardly mean anything else in a talk with a shop: carriers
//! take CANCEL, END, QUIT and YES too, which here would be answers to questions.

use super::Words;

/// The built-in words of one language.
#[derive(Debug, Clone, Copy)]
pub struct BuiltIn {
    /// The language.
    pub language: &'static str,
    stop: &'static [&'static str],
    stop_marketing: &'static [&'static str],
    start: &'static [&'static str],
}

impl BuiltIn {
    /// Its words.
    #[must_use]
    pub fn words(&self) -> Words {
        let owned = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        Words {
            stop: owned(self.stop),
            stop_marketing: owned(self.stop_marketing),
            start: owned(self.start),
            start_marketing: Vec::new(),
        }
    }
}

const fn of(
    language: &'static str,
    stop: &'static [&'static str],
    stop_marketing: &'static [&'static str],
    start: &'static [&'static str],
) -> BuiltIn {
    BuiltIn { language, stop, stop_marketing, start }
}

/// By language. "Stop promotions" is the label that Meta itself proposes for a template's opt-out button
/// (templates/marketing-templates/custom-marketing-templates).
pub const BUILT_IN: &[BuiltIn] = &[
    of(
        "en",
        &["STOP", "STOPALL", "STOP ALL", "STOP MESSAGES", "UNSUBSCRIBE", "OPT OUT", "OPTOUT"],
        &["STOP PROMOTIONS", "STOP PROMOTION", "STOP PROMO", "STOP MARKETING", "STOP ADS", "STOP OFFERS", "NO MARKETING"],
        &["START", "UNSTOP", "SUBSCRIBE", "RESUBSCRIBE", "OPT IN", "OPTIN"],
    ),
    of(
        "es",
        &["BAJA", "DARME DE BAJA", "DAR DE BAJA", "CANCELAR SUSCRIPCIÓN", "NO MÁS MENSAJES"],
        &["DETENER PROMOCIONES", "PARAR PROMOCIONES", "NO MÁS PROMOCIONES", "STOP PROMOCIONES", "NO MÁS PUBLICIDAD"],
        &["ALTA", "SUSCRIBIR", "SUSCRIBIRME", "DARME DE ALTA"],
    ),
    of(
        "pt",
        &["PARAR", "DESCADASTRAR", "CANCELAR INSCRIÇÃO", "NÃO QUERO MAIS MENSAGENS", "CANCELAR SUBSCRIÇÃO"],
        &["PARAR PROMOÇÕES", "SEM PROMOÇÕES", "NÃO QUERO PROMOÇÕES", "INTERROMPER PROMOÇÕES"],
        &["CADASTRAR", "INSCREVER", "VOLTAR A RECEBER", "SUBSCREVER"],
    ),
    of(
        "fr",
        &["ARRÊT", "ARRÊTER", "ARRÊTEZ", "DÉSABONNER", "SE DÉSABONNER", "DÉSABONNEMENT", "DÉSINSCRIRE", "DÉSINSCRIPTION"],
        &["STOP PUB", "STOP PUBLICITÉ", "STOP PROMO", "ARRÊTER LES PROMOTIONS", "PLUS DE PUBLICITÉ"],
        &["DÉMARRER", "S'ABONNER", "RÉABONNER", "ABONNEMENT"],
    ),
    of(
        "de",
        &["STOPP", "ABMELDEN", "ABBESTELLEN", "KEINE NACHRICHTEN MEHR"],
        &["KEINE WERBUNG", "KEINE WERBUNG MEHR", "WERBUNG STOPPEN", "STOPP WERBUNG", "STOP WERBUNG", "ANGEBOTE STOPPEN"],
        &["ANMELDEN", "WIEDER ANMELDEN", "ABONNIEREN"],
    ),
    of(
        "it",
        &["CANCELLAMI", "DISISCRIVIMI", "DISISCRIZIONE", "ANNULLA ISCRIZIONE", "BASTA MESSAGGI"],
        &["STOP PROMOZIONI", "BASTA PROMOZIONI", "INTERROMPI PROMOZIONI", "NIENTE PUBBLICITÀ"],
        &["ISCRIVIMI", "RIATTIVA", "ISCRIZIONE"],
    ),
    of(
        "nl",
        &["AFMELDEN", "UITSCHRIJVEN"],
        &["GEEN RECLAME", "STOP AANBIEDINGEN", "STOP RECLAME"],
        &["AANMELDEN", "INSCHRIJVEN"],
    ),
    of("pl", &["WYPISZ", "WYPISZ MNIE", "ZREZYGNUJ"], &["STOP REKLAMY", "BEZ REKLAM"], &["ZAPISZ", "ZAPISZ MNIE"]),
    of("tr", &["RET", "DURDUR", "ABONELİKTEN ÇIK"], &["REKLAM İSTEMİYORUM", "PROMOSYONLARI DURDUR"], &["BAŞLAT", "ABONE OL"]),
    of("ru", &["СТОП", "ОТПИСАТЬСЯ", "ОТПИСКА"], &["СТОП РЕКЛАМА", "БЕЗ РЕКЛАМЫ"], &["СТАРТ", "ПОДПИСАТЬСЯ", "ПОДПИСКА"]),
    of("uk", &["ВІДПИСАТИСЯ", "ВІДПИСКА"], &["БЕЗ РЕКЛАМИ"], &["ПІДПИСАТИСЯ"]),
    of("ar", &["توقف", "إيقاف", "إلغاء الاشتراك"], &["إيقاف العروض", "وقف العروض"], &["ابدأ", "اشتراك"]),
    of("he", &["הסר", "הסרה", "הסירו אותי"], &["הסר פרסומות"], &["הצטרפות"]),
    of("hi", &["रोकें", "बंद करें", "सदस्यता समाप्त करें"], &["प्रचार बंद करें"], &["शुरू करें"]),
    of("id", &["BERHENTI", "BERHENTI BERLANGGANAN"], &["STOP PROMOSI", "HENTIKAN PROMOSI"], &["MULAI", "BERLANGGANAN"]),
    of("vi", &["DỪNG", "HỦY ĐĂNG KÝ"], &["DỪNG QUẢNG CÁO"], &["BẮT ĐẦU", "ĐĂNG KÝ"]),
    of("zh", &["退订", "退訂", "取消订阅", "取消訂閱"], &["停止推广", "停止推廣"], &["订阅", "訂閱"]),
    of("ja", &["配信停止", "登録解除"], &["広告停止"], &["配信再開"]),
    of("ko", &["수신거부", "수신 거부"], &["광고 수신거부"], &["수신동의", "수신 동의"]),
];
