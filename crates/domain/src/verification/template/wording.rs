//! The words of each language. Where the GSM alphabet (3GPP TS 23.038) lacks letters of a language, the
//! words are chosen among those that need none of them, so that a text stays in 160 septets
//! without losing its accents. The other languages have 70 characters, and say less.

use super::insert::Occasion;
use super::language::Language;

/// The words of one language.
#[derive(Debug)]
pub(super) struct Wording {
    /// The whole text, with `{brand}`, `{code}`, `{purpose}` and `{minutes}` once each.
    pub(super) full: &'static str,
    /// The unit after the minutes.
    pub(super) minutes: &'static str,
    /// "Do not share", in at most 14 units of 16 bits.
    pub(super) warning: &'static str,
    /// The occasions, in the order of [`Occasion::ALL`], at most 20 units of 16 bits each.
    occasions: [&'static str; 6],
}

impl Wording {
    /// The words for an occasion.
    pub(super) const fn occasion(&self, occasion: Occasion) -> &'static str {
        let [sign_in, sign_up, payment, recovery, change, confirmation] = self.occasions;
        match occasion {
            Occasion::SignIn => sign_in,
            Occasion::SignUp => sign_up,
            Occasion::Payment => payment,
            Occasion::Recovery => recovery,
            Occasion::Change => change,
            Occasion::Confirmation => confirmation,
        }
    }
}

impl Language {
    /// Its words.
    pub(super) const fn wording(self) -> &'static Wording {
        match self {
            Self::English => &ENGLISH,
            Self::Spanish => &SPANISH,
            Self::French => &FRENCH,
            Self::German => &GERMAN,
            Self::Portuguese => &PORTUGUESE,
            Self::Italian => &ITALIAN,
            Self::Dutch => &DUTCH,
            Self::Polish => &POLISH,
            Self::Turkish => &TURKISH,
            Self::Swedish => &SWEDISH,
            Self::Arabic => &ARABIC,
            Self::Hindi => &HINDI,
            Self::ChineseSimplified => &CHINESE_SIMPLIFIED,
            Self::ChineseTraditional => &CHINESE_TRADITIONAL,
            Self::Japanese => &JAPANESE,
            Self::Russian => &RUSSIAN,
            Self::Greek => &GREEK,
        }
    }
}

const ENGLISH: Wording = Wording {
    full: "Your {brand} code is {code} ({purpose}). Valid for {minutes} min. \
           Do not share it with anyone.",
    minutes: "min",
    warning: "Do not share.",
    occasions: [
        "sign-in",
        "sign-up",
        "payment",
        "account recovery",
        "account change",
        "confirmation",
    ],
};

const SPANISH: Wording = Wording {
    full: "Su clave de {brand} es {code} ({purpose}). Vale {minutes} min. \
           No la comparta con nadie.",
    minutes: "min",
    warning: "No compartir.",
    occasions: [
        "acceso",
        "registro",
        "pago",
        "recuperar cuenta",
        "cambio de datos",
        "confirmar",
    ],
};

const FRENCH: Wording = Wording {
    full: "Votre code {brand} est {code} ({purpose}). Valable {minutes} min. \
           Ne le donnez à personne.",
    minutes: "min",
    warning: "Ne pas donner.",
    occasions: [
        "connexion",
        "inscription",
        "paiement",
        "accès au compte",
        "modification",
        "confirmation",
    ],
};

const GERMAN: Wording = Wording {
    full: "Ihr Code für {brand} ist {code} ({purpose}). Gültig {minutes} Min. \
           Geben Sie ihn an niemanden weiter.",
    minutes: "Min",
    warning: "Nicht teilen.",
    occasions: [
        "Anmeldung",
        "Registrierung",
        "Zahlung",
        "Kontozugang",
        "Datenänderung",
        "Bestätigung",
    ],
};

const PORTUGUESE: Wording = Wording {
    full: "A sua chave {brand} é {code} ({purpose}). Vale {minutes} min. \
           Nunca a passe a ninguém.",
    minutes: "min",
    warning: "Nunca revele.",
    occasions: [
        "entrar",
        "nova conta",
        "pagamento",
        "recuperar conta",
        "alterar dados",
        "confirmar",
    ],
};

const ITALIAN: Wording = Wording {
    full: "Il tuo codice {brand} è {code} ({purpose}). Vale {minutes} min. \
           Non condividerlo con nessuno.",
    minutes: "min",
    warning: "Non rivelarlo.",
    occasions: [
        "accesso",
        "registrazione",
        "pagamento",
        "recupero account",
        "modifica dati",
        "conferma",
    ],
};

const DUTCH: Wording = Wording {
    full: "Uw code van {brand} is {code} ({purpose}). {minutes} min. geldig. \
           Deel deze met niemand.",
    minutes: "min",
    warning: "Niet delen.",
    occasions: [
        "inloggen",
        "registratie",
        "betaling",
        "accountherstel",
        "wijziging",
        "bevestiging",
    ],
};

const POLISH: Wording = Wording {
    full: "Kod {brand}: {code} ({purpose}). Czas: {minutes} min. Nie podawaj go nikomu.",
    minutes: "min",
    warning: "Nie podawaj.",
    occasions: [
        "logowanie",
        "rejestracja",
        "transakcja",
        "odzyskanie konta",
        "zmiana danych",
        "autoryzacja",
    ],
};

const TURKISH: Wording = Wording {
    full: "{brand} kodunuz: {code} ({purpose}). Süre: {minutes} dk. Kodu kimseye vermeyin.",
    minutes: "dk",
    warning: "Gizli tutun.",
    occasions: [
        "oturum",
        "üyelik",
        "ödeme",
        "hesap kurtarma",
        "bilgi güncelleme",
        "onay",
    ],
};

const SWEDISH: Wording = Wording {
    full: "Din kod från {brand} är {code} ({purpose}). Gäller i {minutes} min. \
           Dela den inte med någon.",
    minutes: "min",
    warning: "Dela inte.",
    occasions: [
        "inloggning",
        "registrering",
        "betalning",
        "återställning",
        "ändring",
        "bekräftelse",
    ],
};

const ARABIC: Wording = Wording {
    full: "رمز {brand}: {code} ({purpose}). صالح {minutes} د. لا تشاركه مع أحد.",
    minutes: "د",
    warning: "لا تشاركه.",
    occasions: [
        "دخول",
        "تسجيل",
        "دفع",
        "استعادة الحساب",
        "تعديل البيانات",
        "تأكيد",
    ],
};

const HINDI: Wording = Wording {
    full: "{brand} कोड: {code} ({purpose})। {minutes} मिनट मान्य। किसी को न बताएं।",
    minutes: "मिनट",
    warning: "न बताएं।",
    occasions: ["लॉगिन", "पंजीकरण", "भुगतान", "खाता वापसी", "बदलाव", "पुष्टि"],
};

const CHINESE_SIMPLIFIED: Wording = Wording {
    full: "{brand}验证码：{code}（{purpose}），{minutes}分钟内有效，请勿告知他人。",
    minutes: "分钟",
    warning: "请勿告知他人。",
    occasions: ["登录", "注册", "付款", "找回账户", "修改资料", "确认"],
};

const CHINESE_TRADITIONAL: Wording = Wording {
    full: "{brand}驗證碼：{code}（{purpose}），{minutes}分鐘內有效，請勿告知他人。",
    minutes: "分鐘",
    warning: "請勿告知他人。",
    occasions: ["登入", "註冊", "付款", "找回帳戶", "修改資料", "確認"],
};

const JAPANESE: Wording = Wording {
    full: "{brand} 認証コード：{code}（{purpose}）{minutes}分間有効。他人に教えないでください。",
    minutes: "分",
    warning: "他人に教えないで。",
    occasions: [
        "ログイン",
        "新規登録",
        "支払い",
        "アカウント復旧",
        "情報変更",
        "確認",
    ],
};

const RUSSIAN: Wording = Wording {
    full: "Код {brand}: {code} ({purpose}). {minutes} мин. Никому не сообщайте.",
    minutes: "мин",
    warning: "Не сообщайте.",
    occasions: [
        "вход",
        "регистрация",
        "оплата",
        "восстановление",
        "изменение",
        "подтверждение",
    ],
};

const GREEK: Wording = Wording {
    full: "Κωδικός {brand}: {code} ({purpose}). {minutes} λεπτά. Μην τον δώσετε.",
    minutes: "λεπτά",
    warning: "Μην τον πείτε.",
    occasions: [
        "σύνδεση",
        "εγγραφή",
        "πληρωμή",
        "ανάκτηση",
        "αλλαγή",
        "επιβεβαίωση",
    ],
};
