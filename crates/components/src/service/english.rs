//! The plural of English words, by its rules and their exceptions.

/// Words whose plural follows no rule.
const IRREGULAR: [(&str, &str); 59] = [
    ("alumnus", "alumni"),
    ("appendix", "appendices"),
    ("bacterium", "bacteria"),
    ("cache", "caches"),
    ("calf", "calves"),
    ("chassis", "chassis"),
    ("child", "children"),
    ("cookie", "cookies"),
    ("criterion", "criteria"),
    ("curriculum", "curricula"),
    ("die", "dice"),
    ("echo", "echoes"),
    ("elf", "elves"),
    ("embargo", "embargoes"),
    ("epoch", "epochs"),
    ("foot", "feet"),
    ("fungus", "fungi"),
    ("gas", "gases"),
    ("goose", "geese"),
    ("half", "halves"),
    ("headache", "headaches"),
    ("hero", "heroes"),
    ("knife", "knives"),
    ("leaf", "leaves"),
    ("lens", "lenses"),
    ("lie", "lies"),
    ("life", "lives"),
    ("loaf", "loaves"),
    ("louse", "lice"),
    ("man", "men"),
    ("matrix", "matrices"),
    ("menu", "menus"),
    ("monarch", "monarchs"),
    ("mouse", "mice"),
    ("movie", "movies"),
    ("nucleus", "nuclei"),
    ("ox", "oxen"),
    ("person", "people"),
    ("phenomenon", "phenomena"),
    ("pie", "pies"),
    ("potato", "potatoes"),
    ("quiz", "quizzes"),
    ("radius", "radii"),
    ("rookie", "rookies"),
    ("self", "selves"),
    ("shelf", "shelves"),
    ("stimulus", "stimuli"),
    ("stomach", "stomachs"),
    ("syllabus", "syllabi"),
    ("thief", "thieves"),
    ("tie", "ties"),
    ("tomato", "tomatoes"),
    ("tooth", "teeth"),
    ("torpedo", "torpedoes"),
    ("vertex", "vertices"),
    ("veto", "vetoes"),
    ("wife", "wives"),
    ("wolf", "wolves"),
    ("zombie", "zombies"),
];

/// Words that are the same in the plural, or have none.
const SAME: [&str; 34] = [
    "advice",
    "aircraft",
    "billing",
    "crossroads",
    "data",
    "deer",
    "equipment",
    "feedback",
    "firmware",
    "fish",
    "furniture",
    "hardware",
    "headquarters",
    "information",
    "infrastructure",
    "knowledge",
    "logistics",
    "luggage",
    "means",
    "media",
    "merchandise",
    "metadata",
    "money",
    "moose",
    "music",
    "news",
    "offspring",
    "series",
    "sheep",
    "software",
    "spacecraft",
    "species",
    "staff",
    "traffic",
];

/// Words on `-man` that are no men.
const NO_MEN: [&str; 9] = [
    "caiman", "german", "human", "norman", "ottoman", "roman", "shaman", "talisman", "toman",
];

/// What stands before `-men` in men.
const MEN: [&str; 13] = [
    "alder", "anchor", "chair", "crafts", "fire", "fore", "noble", "police", "post", "sales",
    "spokes", "wo", "work",
];

/// Words on `-sis` and `-xis`.
const ON_SIS: [&str; 14] = [
    "analysis",
    "axis",
    "basis",
    "catharsis",
    "crisis",
    "diagnosis",
    "emphasis",
    "hypothesis",
    "oasis",
    "parenthesis",
    "prognosis",
    "synopsis",
    "synthesis",
    "thesis",
];

/// Words whose plural ends in `-ses` and whose singular does not end in `-se`.
const ON_S: [&str; 24] = [
    "alias",
    "atlas",
    "bias",
    "bonus",
    "bus",
    "campus",
    "canvas",
    "census",
    "chorus",
    "circus",
    "consensus",
    "corpus",
    "focus",
    "iris",
    "lotus",
    "minus",
    "nexus",
    "octopus",
    "plus",
    "prospectus",
    "sinus",
    "status",
    "surplus",
    "virus",
];

/// Returns the plural of a word in small letters.
pub(super) fn plural(word: &str) -> String {
    if SAME.contains(&word) {
        return word.to_owned();
    }
    if let Some((_, plural)) = IRREGULAR.iter().find(|(singular, _)| *singular == word) {
        return (*plural).to_owned();
    }
    if let Some(stem) = word.strip_suffix("man")
        && !NO_MEN.contains(&word)
        && !stem.is_empty()
    {
        return format!("{stem}men");
    }
    if let Some(stem) = word
        .strip_suffix("sis")
        .or_else(|| word.strip_suffix("xis"))
    {
        return format!("{stem}{}es", &word[stem.len()..=stem.len()]);
    }
    if let Some(stem) = word.strip_suffix('y')
        && stem.ends_with(consonant)
    {
        return format!("{stem}ies");
    }
    let hisses = ["s", "x", "z", "ch", "sh"];
    if hisses.iter().any(|end| word.ends_with(end)) {
        return format!("{word}es");
    }
    format!("{word}s")
}

/// Returns the singular of a word in small letters; of a word that is no plural, the word.
pub(super) fn singular(word: &str) -> String {
    let table = IRREGULAR
        .iter()
        .find(|(singular, plural)| *plural == word || *singular == word);
    if let Some((singular, _)) = table {
        return (*singular).to_owned();
    }
    if SAME.contains(&word) || ON_S.contains(&word) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("men")
        && MEN.contains(&stem)
    {
        return format!("{stem}man");
    }
    if !word.ends_with('s') || ["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        return word.to_owned();
    }
    if let Some(stem) = word.strip_suffix("es")
        && ON_SIS
            .iter()
            .any(|greek| greek.strip_suffix("is") == Some(stem))
    {
        return format!("{stem}is");
    }
    if let Some(stem) = word.strip_suffix("ies")
        && stem.ends_with(consonant)
    {
        return format!("{stem}y");
    }
    if let Some(stem) = word.strip_suffix("es") {
        let hisses = ["ss", "x", "zz", "ch", "sh"];
        if hisses.iter().any(|end| stem.ends_with(end)) || ON_S.contains(&stem) {
            return stem.to_owned();
        }
    }
    word[..word.len() - 1].to_owned()
}

fn consonant(letter: char) -> bool {
    !matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_right_and_lead_back() {
        let words = "
            user users, order orders, category categories, key keys, boy boys, day days, city cities,
            query queries, reply replies, company companies, currency currencies, copy copies,
            address addresses, class classes, process processes, access accesses, bus buses,
            status statuses, virus viruses, campus campuses, bonus bonuses, alias aliases,
            box boxes, tax taxes, index indexes, prefix prefixes, mailbox mailboxes, suffix suffixes,
            branch branches, batch batches, match matches, search searches, patch patches,
            watch watches, switch switches, epoch epochs, stomach stomachs, cache caches,
            dish dishes, wish wishes, hash hashes, brush brushes, crash crashes,
            quiz quizzes, buzz buzzes, gas gases, lens lenses, canvas canvases,
            case cases, house houses, purchase purchases, response responses, database databases,
            release releases, expense expenses, licence licences, license licenses, lease leases,
            service services, device devices, invoice invoices, price prices, face faces, size sizes,
            prize prizes, page pages, image images, message messages, stage stages, change changes,
            movie movies, cookie cookies, pie pies, tie ties, zombie zombies,
            knife knives, life lives, wife wives, leaf leaves, half halves, shelf shelves, self selves,
            wolf wolves, thief thieves, roof roofs, chief chiefs, belief beliefs, proof proofs,
            tariff tariffs, sheriff sheriffs, safe safes,
            photo photos, video videos, radio radios, logo logos, repo repos, piano pianos, zoo zoos,
            hero heroes, potato potatoes, tomato tomatoes, echo echoes, veto vetoes,
            child children, person people, man men, woman women, foot feet, tooth teeth, goose geese,
            mouse mice, ox oxen, die dice, salesman salesmen, craftsman craftsmen,
            human humans, german germans, shaman shamans, talisman talismans,
            analysis analyses, basis bases, crisis crises, thesis theses, hypothesis hypotheses,
            diagnosis diagnoses, axis axes, oasis oases, synopsis synopses,
            criterion criteria, phenomenon phenomena, bacterium bacteria,
            matrix matrices, vertex vertices, appendix appendices, radius radii, nucleus nuclei,
            sheep sheep, deer deer, fish fish, series series, species species, news news,
            information information, equipment equipment, software software, metadata metadata,
            machine machines, model models, provider providers, offering offerings, server servers,
            route routes, proxy proxies, replica replicas, schema schemas, item items, line lines,
            shoe shoes, toe toes, edge edges, node nodes, type types, name names, file files,
            event events, account accounts, payment payments, delivery deliveries, policy policies,
            menu menus, virtue virtues, value values, queue queues, league leagues, issue issues,
            specimen specimens, regimen regimens, bed beds, abuse abuses, clause clauses, cause causes";
        for pair in words.split(',') {
            let (one, several) = pair.trim().split_once(' ').expect("a pair");
            assert_eq!(plural(one), several);
            assert_eq!(singular(several), one);
            assert_eq!(singular(one), one, "a singular stays what it is");
        }
    }

    #[test]
    fn tables_are_looked_at_once_a_word() {
        let mut words: Vec<&str> = IRREGULAR.iter().map(|(word, _)| *word).collect();
        words.extend(SAME.iter().chain(&ON_S).chain(&ON_SIS));
        words.sort_unstable();
        let all = words.len();
        words.dedup();
        assert_eq!(words.len(), all);
    }
}
