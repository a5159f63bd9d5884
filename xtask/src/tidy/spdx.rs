//! A small evaluator of SPDX licence expressions: `AND`, `OR`, `WITH`, parentheses, and the old
//! `/` for `OR`. It answers one question: can the expression be met with welcome licences alone?

/// True when some choice within the expression is made of welcome licences alone; `None` when the
/// text is no expression. `welcome` is asked for `ID` or for `ID WITH EXCEPTION`.
pub fn is_met(expression: &str, welcome: &dyn Fn(&str) -> bool) -> Option<bool> {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let mut words = Words {
        left: spaced.split_whitespace().collect(),
        welcome,
    };
    words.left.reverse();
    let met = words.choice()?;
    words.left.is_empty().then_some(met)
}

/// The words still to be read, the next one last.
struct Words<'e> {
    left: Vec<&'e str>,
    welcome: &'e dyn Fn(&str) -> bool,
}

impl Words<'_> {
    fn choice(&mut self) -> Option<bool> {
        let mut met = self.conjunction()?;
        while self.next_is("OR") {
            met |= self.conjunction()?;
        }
        Some(met)
    }

    fn conjunction(&mut self) -> Option<bool> {
        let mut met = self.licence()?;
        while self.next_is("AND") {
            met &= self.licence()?;
        }
        Some(met)
    }

    fn licence(&mut self) -> Option<bool> {
        let word = self.left.pop()?;
        match word {
            "(" => {
                let met = self.choice()?;
                self.next_is(")").then_some(met)
            }
            ")" | "AND" | "OR" | "WITH" => None,
            id if self.next_is("WITH") => {
                let exception = self.left.pop()?;
                Some((self.welcome)(&format!("{id} WITH {exception}")))
            }
            id => Some((self.welcome)(id)),
        }
    }

    fn next_is(&mut self, word: &str) -> bool {
        let found = self.left.last() == Some(&word);
        if found {
            self.left.pop();
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(expression: &str, expected: Option<bool>) {
        let welcome = |id: &str| ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"].contains(&id);
        assert_eq!(is_met(expression, &welcome), expected, "{expression}");
    }

    #[test]
    fn one_welcome_choice_is_enough_and_every_conjunct_is_needed() {
        check("MIT", Some(true));
        check("GPL-3.0-only", Some(false));
        check("GPL-3.0-only OR MIT", Some(true));
        check("GPL-3.0-only/MIT", Some(true));
        check("GPL-3.0-only AND MIT", Some(false));
    }

    #[test]
    fn and_binds_closer_than_or_and_parentheses_closest() {
        check("MIT OR GPL-3.0-only AND GPL-2.0-only", Some(true));
        check("(MIT OR GPL-3.0-only) AND GPL-2.0-only", Some(false));
        check(
            "(MIT OR GPL-3.0-only) AND (GPL-2.0-only OR ISC)",
            Some(true),
        );
    }

    #[test]
    fn an_exception_belongs_to_its_licence() {
        check("Apache-2.0 WITH LLVM-exception", Some(true));
        check("Apache-2.0 WITH Other-exception", Some(false));
        check("GPL-3.0-only OR Apache-2.0 WITH LLVM-exception", Some(true));
    }

    #[test]
    fn what_is_no_expression_is_met_by_nothing() {
        for text in ["", "MIT OR", "(MIT", "MIT)", "MIT ISC", "AND", "MIT WITH"] {
            check(text, None);
        }
    }
}
