"""The words of the demo data: people's names, and phrases about everyday subjects that fit into the sentences below.

Own words and no library: Faker (25 MB) joins words at random, which no search can be tried on, and Mimesis (12 MB)
knows a few dozen sentences. A change here changes what every --seed gives.
"""

Phrases = dict[str, tuple[str, ...]]


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(phrase.split()) for phrase in text.split(";"))


def _words(**texts: str) -> Phrases:
    return {kind: _phrases(text) for kind, text in texts.items()}


# First and last names of one part of the world stand together, so that people are called as people are.
PEOPLE = [
    _words(
        first="""Olivia; Amelia; Jack; Harry; Grace; Oscar; Freya; George; Isla; Theo; Ruby; Arthur; Nia; Rhys; Sinéad;
        Róisín; Conor; Niamh; Callum; Fiona""",
        last="""Smith; Taylor; Walker; Hughes; Bennett; Clarke; Murphy; O'Brien; O'Connor; MacLeod; Campbell; Davies;
        Whitfield; Hartley; Ashworth; Kavanagh; Fletcher; Sinclair; Lloyd; Ní Bhriain""",
    ),
    _words(
        first="""Emma; Liam; Ava; Noah; Maya; Ethan; Zoe; Caleb; Naomi; Jordan; Chloe; Marcus; Hannah; Tyler; Renée;
        Andre; Jasmine; Walter; Josephine; Desmond""",
        last="""Johnson; Williams; Brown; Anderson; Jackson; Thompson; Robinson; Mitchell; Carter; Phillips; Turner;
        Parker; Edwards; Brooks; Washington; Beaulieu; Sullivan; Foster; Hayes; Lindqvist-Moore""",
    ),
    _words(
        first="""Jürgen; Käthe; Björn; Anneliese; Lukas; Sophie; Matthias; Jörg; Leonie; Felix; Ursula; Maximilian; Zoë;
        Götz; Heike; Tobias; Änne; Stefan; Katharina; Ruedi""",
        last="""Müller; Schäfer; Weiß; Krüger; Schröder; Köhler; Hofmann; Zimmermann; Lehmann; Böhm; Vogel; Graf; Jäger;
        Brückner; Groß; von der Heide; Lüthi; Ammann; Pichler; Meyer-Lüdenscheidt""",
    ),
    _words(
        first="""Élodie; François; Zoé; Mathéo; Chloé; Hélène; Gaël; Margaux; Benoît; Inès; Anaïs; Étienne; Camille;
        Loïc; Noémie; Thibault; Maëlle; Rémi; Solène; Jean-Baptiste""",
        last="""Lefèvre; Béranger; Dupont; Moreau; Girard; Fontaine; Chevalier; Gauthier; Perrin; Mercier; Renault;
        Côté; Tremblay; Bélanger; D'Aubigné; Le Goff; Guérin; Marchand; Noël; Lemaître""",
    ),
    _words(
        first="""José; María; Álvaro; Lucía; Íñigo; Begoña; Sofía; Andrés; Inés; Martín; Ximena; Joaquín; Núria; Jordi;
        Valentina; Óscar; Belén; Raúl; Camila; Tomás""",
        last="""García; Fernández; Núñez; Ibáñez; Muñoz; Jiménez; Peña; Castaño; Ramírez; Vázquez; Domínguez; Rojas;
        Quiñones; Aguirre; Serrano; Puig; Medina; Ortega; Zubizarreta; Cárdenas""",
    ),
    _words(
        first="""João; Conceição; Tiago; Beatriz; Vinícius; Letícia; Antônio; Luísa; Gonçalo; Mariana; Otávio; Inês;
        Rafaela; Thiago; Débora; Caetano; Simão; Flávia; Estêvão; Catarina""",
        last="""Silva; Gonçalves; Araújo; Magalhães; Figueirão; Conceição; Assunção; Pereira; Ribeiro; Carvalho; Simões;
        Leitão; Brandão; Monteiro; Nóbrega; Teixeira; Falcão; Moura; Bragança; dos Santos""",
    ),
    _words(
        first="""Giulia; Niccolò; Chiara; Matteo; Francesca; Lorenzo; Alessia; Davide; Ilaria; Tommaso; Eleni; Dimitris;
        Katerina; Yannis; Despina; Stavros; Aurora; Pietro; Benedetta; Spiros""",
        last="""Rossi; Bianchi; Esposito; Ricci; Greco; Conti; De Luca; D'Angelo; Marchetti; Lo Monaco; Papadopoulos;
        Nikolaidis; Georgiou; Vlachos; Economou; Caputo; Ferrara; Nicolò; Bellini; Samaras""",
    ),
    _words(
        first="""Søren; Åsa; Jørgen; Ingrid; Håkon; Märta; Øyvind; Sigrún; Þóra; Mikkel; Elin; Aino; Väinö; Jukka;
        Päivi; Astrid; Bjørn; Göran; Hjördís; Frøydis""",
        last="""Sørensen; Åkesson; Jørgensen; Lindström; Bergström; Nygård; Østergaard; Hämäläinen; Mäkinen; Virtanen;
        Sjöberg; Håkansson; Ødegård; Jónsdóttir; Sigurðsson; Kjær; Ekström; Dahl; Niemelä; Þórsson""",
    ),
    _words(
        first="""Łukasz; Agnieszka; Paweł; Małgorzata; Jiří; Zuzana; Ondřej; Šárka; Miloš; Željka; Dušan; Živa; László;
        Eszter; Győző; Zsófia; Ștefan; Ioana; Wojciech; Katarína""",
        last="""Wiśniewski; Dąbrowska; Wójcik; Nowak; Dvořák; Novák; Svoboda; Kučera; Kovač; Jovanović; Šimić; Đorđević;
        Horváth; Szabó; Kővári; Nagy; Țurcanu; Popescu; Zieliński; Hrušková""",
    ),
    _words(
        first="""Ayşe; Emre; Zeynep; Çağla; Gökhan; Şebnem; Yiğit; İpek; Leyla; Omar; Yasmin; Karim; Noor; Tariq; Amina;
        Youssef; Salma; Rania; Idris; Özlem""",
        last="""Yüksel; Öztürk; Çelik; Şahin; Doğan; Erdoğmuş; Güneş; Demir; Haddad; Mansour; El-Sayed; Benali; Khalil;
        Nasser; Rahmani; Al-Farsi; Saleh; Aksoy; Türkoğlu; Bouzid""",
    ),
    _words(
        first="""Priya; Arjun; Ananya; Rohan; Kavya; Vikram; Meera; Sanjay; Fatima; Imran; Nusrat; Dilshan; Anjali;
        Ravi; Lakshmi; Kiran; Deepa; Farhan; Ishani; Harpreet""",
        last="""Sharma; Patel; Iyer; Nair; Reddy; Mukherjee; Chatterjee; Singh; Kaur; Khan; Hussain; Perera; Fernando;
        Desai; Banerjee; Krishnan; Joshi; Rahman; Menon; Choudhury""",
    ),
    _words(
        first="""Yuki; Haruto; Sakura; Kenji; Aiko; Wei; Jing; Xiuying; Minh; Linh; Thảo; Đức; Quỳnh; Ji-woo; Seo-yeon;
        Min-jun; Somchai; Siti; Adi; Marisol""",
        last="""Tanaka; Suzuki; Takahashi; Ōno; Satō; Wang; Li; Chen; Lǐ; Nguyễn; Trần; Phạm; Đặng; Kim; Park; Choi;
        Suwannarat; Wijaya; Santoso; Reyes""",
    ),
    _words(
        first="""Amara; Chidi; Ngozi; Kwame; Abena; Wanjiru; Kamau; Zola; Thabo; Lerato; Sipho; Adébáyọ̀; Folaké; Fatou;
        Moussa; Aïssatou; Tendai; Desta; Selam; Makena""",
        last="""Okafor; Adeyemi; Eze; Mensah; Owusu; Mwangi; Otieno; Nkosi; Dlamini; Mokoena; Diallo; Traoré; Ndiaye;
        Keïta; Moyo; Tesfaye; Bekele; Achieng; Botha; Adéwálé""",
    ),
]

# Each of these is one sentence once its gaps are filled; `deed` follows "I", `finding` is a clause, `advice` an order.
SENTENCES = _phrases(
    """Last {season} I {deed}, and {finding};
    After {span} I {deed};
    Then one {day} I {deed};
    {finding};
    {advice};
    {advice}, and do not worry about the rest;
    What surprised me most was that {finding};
    After {span}, {finding};
    I had read a lot about {thing}, but nobody had told me that {finding};
    If I could give only one tip, it would be this: {advice};
    As {person} likes to say: {advice};
    I {deed} while {person} looked on and said nothing;
    In the end, {finding};
    The hard part of {thing} is knowing when to stop;
    It took me {span} to see that {finding};
    I wrote down everything I knew about {thing}, and it filled half a page;
    {person} disagreed, so I {deed} once more;
    There is a small club in {city} that meets every {day} to talk about {thing};
    {finding}, and that was that;
    I am still not sure why, but {finding};
    The first time I {deed}, it went wrong in every possible way;
    Before you ask: yes, I {deed}, and no, it was not a waste of time;
    On a rainy {day} in {city} I {deed};
    {person} showed me an old book about {thing}, full of notes in pencil;
    It sounds obvious, yet {finding};
    When in doubt, {advice};
    Most advice about {thing} leaves out the boring middle;
    Looking back, I am glad that I {deed};
    {finding}, and {person} noticed it before I did;
    We spent the whole {day} arguing about {thing};
    By the end of {season}, {finding};
    {person} moved here from {city} and had very different ideas about {thing};
    The short version: {advice};
    I expected little, {deed} anyway, and was proved wrong;
    Some people swear by {thing}, and I am slowly becoming one of them;
    {advice}, even if it feels slow;
    Out of curiosity I {deed}, just to see what would happen;
    Somebody in {city} asked me last {day} how I got into {thing};
    There was a catch, of course: {finding};
    In {season} I {deed}, and I would do it again;
    Nothing beats the moment when you understand {thing};
    The notes from that {day} say only that {finding};
    I used to leave {thing} to other people"""
)

TITLES = _phrases(
    """What {thing} taught me in {span}; A beginner's guide to {thing}; Notes on {thing}; The truth about {thing}; Why I
    changed my mind about {thing}; {advice}; How I {deed}; {finding}; {thing}: a report after {span}; Five mistakes I
    made with {thing}; I {deed}, and this is what I learned; Letter from {city}: {thing}; In praise of {thing}; {span}
    of {thing}; The day I {deed}; Rethinking {thing}; {advice}, and other lessons; {thing}, explained slowly; Questions
    about {thing} that I am often asked; One {season} with {thing}; {thing} on a small budget"""
)

EVERYDAY = _words(
    season="spring; summer; autumn; winter",
    day="Monday; Tuesday; Wednesday; Thursday; Friday; Saturday; Sunday",
    span="""three days; two weeks; a whole month; six months; almost a year; ten years; forty hours; five weekends; one
    long season""",
    person="""my neighbour; a colleague; my grandmother; my sister; an old friend; my teacher; a stranger on the bus; my
    daughter; our librarian; a retired engineer; my partner; the woman next door""",
    city="""Lisbon; Kraków; Nairobi; Osaka; Montréal; Valparaíso; Tromsø; Zürich; Bangalore; Wellington; Göteborg;
    Porto; Edinburgh; São Paulo; Accra; Ljubljana; Istanbul; Bologna; Hanoi; Galway; Chicago; Tbilisi""",
)

SUBJECTS = [
    _words(
        thing="""sourdough starters; cold fermentation; wholemeal rye bread; baking on a stone; wet doughs; hand
        kneading; home milling; ciabatta""",
        deed="""fed the starter twice a day; left the dough in the fridge overnight; baked four loaves in a row; swapped
        half of the white flour for spelt; scored the loaf with a razor blade; kept a baking diary; borrowed a cast-iron
        pot; folded the dough every thirty minutes; burned the crust of a perfectly good loaf""",
        finding="""the crumb opened up at last; the crust sang as it cooled; the kitchen was simply too cold for the
        yeast; the bread kept fresh for five days; more water made the dough easier, not harder; the salt had been
        missing all along; the oven ran twenty degrees too hot; the flavour came from time and not from flour; the loaf
        rose after all""",
        advice="""weigh the flour instead of trusting cups; let the dough rest before you shape it; watch the dough and
        not the clock; heat the oven far longer than the recipe says; let the loaf cool before you cut it; steam the
        oven for the first ten minutes; start with a small batch of rye""",
    ),
    _words(
        thing="""heirloom tomatoes; raised beds; compost; growing potatoes in sacks; companion planting; balcony herbs;
        slugs and how to live with them; saving seeds""",
        deed="""dug over the whole vegetable patch; sowed the carrots far too early; built a cold frame from old
        windows; covered the beds with straw; collected rainwater in a barrel; planted garlic between the roses; turned
        the compost heap every week; grew beans up a row of sunflowers; left one corner of the garden to the nettles""",
        finding="""the soil was full of earthworms again; the frost took every seedling; the courgettes would not stop
        coming; the bees found the lavender within a day; the slugs preferred the neighbour's lettuce; half of the seeds
        never came up; the tomatoes ripened in the second week of August; mulch did more than any fertiliser; the
        harvest fed the street""",
        advice="""water in the morning and water deeply; feed the soil and not the plant; sow little and often; label
        every row on the day you plant it; never leave bare earth over the winter; pinch out the side shoots in June;
        ask the oldest gardener on the allotments""",
    ),
    _words(
        thing="""trail running; marathon training; slow Sunday miles; running in the dark; interval sessions; barefoot
        shoes; recovery weeks; hill repeats""",
        deed="""ran the coastal path from end to end; signed up for my first marathon; got lost in the forest above the
        lake; trained by heart rate alone; slept badly before the race; walked every steep climb; joined the local
        running club; left the watch at home; ran to work through the park""",
        finding="""my knees stopped hurting; the last ten kilometres were the real race; easy days had never been easy
        enough; the hills felt shorter on the way back; sleep mattered more than any shoe; my pulse dropped by eight
        beats; the wind turned at the lighthouse; a slower start gave me a faster finish; the blisters healed in two
        days""",
        advice="""run most of your miles slowly; eat before you are hungry; buy the shoes that feel dull and fit well;
        add no more than a tenth each week; rest when your body asks for it; warm up on the flat before the climb; carry
        a light even when the sun is up""",
    ),
    _words(
        thing="""database indexes; query planners; schema migrations; connection pools; full-text search in PostgreSQL;
        isolation levels; backups that were never restored; slow queries""",
        deed="""read the query plan line by line; dropped three unused indexes; moved the table to a new schema;
        restored last night's backup on a spare server; replaced the cache with a partial index; logged every statement
        for a day; rewrote the report as a single query; turned off the ORM for one endpoint; split one long
        transaction""",
        finding="""the query went from nine seconds to forty milliseconds; a missing index had cost us a server; the
        connection pool was the bottleneck; the statistics were two months out of date; nobody had ever tested the
        backup; a deadlock appeared only on payday; the simplest constraint caught the worst bug; the cache had hidden a
        broken join; vacuum had been switched off since the last upgrade""",
        advice="""measure before you add an index; let the database enforce the rules; keep transactions short; test the
        restore and not the backup; read the manual's chapter on locks; name your constraints; never run a migration by
        hand""",
    ),
    _words(
        thing="""type hints in Python; asynchronous code; small functions; code review; property-based tests; old
        codebases; packaging; the standard library""",
        deed="""deleted four hundred lines of Python; wrote the test before the fix; rewrote a decorator as a plain
        function; traced the bug through six modules; renamed every variable in one file; paired with an intern on the
        parser; removed a dependency that did one thing; read the source of the interpreter; profiled the import time of
        the service""",
        finding="""the bug was in the test; a dictionary replaced the whole class hierarchy; the type checker found two
        real errors; the event loop had been blocked by a password hash; the program became faster by doing less; nobody
        used the option that had caused the crash; the comment was right and the code was wrong; a missing await lost
        one message in a thousand; the release went out without a single call""",
        advice="""make the change easy and then make the easy change; delete code whenever you can; write the error
        message as if you were going to read it at night; keep side effects at the edge; prefer a boring solution;
        review your own diff first; ask what happens when the list is empty""",
    ),
    _words(
        thing="""street photography; black-and-white film; the golden hour; portraits by window light; a single fixed
        lens; night exposures; printing one's own photographs; old family albums""",
        deed="""shot one roll of film a week; carried the same lens everywhere; photographed strangers at the fish
        market; waited two hours for the fog to lift; developed negatives in the bathroom; printed the ten best
        pictures; set the camera to manual; took a portrait of every shopkeeper in the street; sorted eleven thousand
        photographs""",
        finding="""the light was gone in four minutes; the best picture was the one I had nearly deleted; film made me
        slower and more careful; a cheap lens was sharp enough; people love to be asked; the shadows told the story;
        grain looked better than noise; the camera mattered less than the shoes; the blurred frame was the honest
        one""",
        advice="""move closer and then move closer again; look at the edges of the frame; wait for the light; print what
        you like; leave the flash at home; ask before you photograph a face; learn one lens until it bores you""",
    ),
    _words(
        thing="""night trains; travelling without flying; railway timetables; slow travel through the Alps; station
        cafés; crossing borders by rail; packing light; ferries in the north""",
        deed="""took the sleeper from Vienna to Rome; missed the last connection in a snowstorm; crossed four countries
        with one bag; shared a compartment with a choir; bought a paper timetable; changed trains nine times; slept on
        the upper bunk; watched the sun rise over the lagoon; followed the old mountain railway on foot""",
        finding="""the slow train had the better view; the sleeping car cost less than a hotel; every delay began with a
        conversation; the border was a bridge and a single sign; the seat by the window was worth the queue; dinner on
        board was excellent; the luggage was never the problem; the ferry left twenty minutes early; the mountains
        looked closer at dawn""",
        advice="""book the sleeper three months ahead; bring bread, cheese and a good novel; leave an hour between
        connections; sit on the left side going south; carry the ticket on paper too; talk to the conductor; pack half
        of what you planned""",
    ),
    _words(
        thing="""backyard astronomy; small telescopes; the rings of Saturn; meteor showers; star charts; light
        pollution; observing the Moon; grinding a mirror""",
        deed="""carried the telescope up to the roof; sketched the craters along the terminator; stayed up for the
        Perseids; found the Andromeda galaxy with binoculars; waited for Jupiter to clear the chimney; drove an hour to
        find a dark sky; cleaned the mirror with distilled water; counted sixty meteors before midnight; showed Saturn
        to the whole street""",
        finding="""the clouds parted at two in the morning; binoculars showed more than I had believed; the Milky Way
        cast a faint shadow; the rings were as sharp as in a drawing; the dew arrived before the comet did; the children
        saw it first; a red lamp saved our night vision; the cheap eyepiece was the best one; the eclipse began eleven
        seconds late""",
        advice="""let your eyes adapt for twenty minutes; learn the sky with bare eyes first; buy binoculars before a
        telescope; let the mirror cool outside; wear more clothes than seems sensible; note the date and the weather;
        start with the Moon""",
    ),
    _words(
        thing="""learning the piano as an adult; sight-reading; playing Bach slowly; the metronome; jazz voicings; old
        upright pianos; practising scales; performing for friends""",
        deed="""practised the left hand alone; recorded every lesson; played the same prelude for a season; tuned the
        upright by ear; memorised the fugue in eight-bar pieces; slowed the metronome to forty; accompanied the village
        choir; forgot the ending in front of everybody; sang the inner voices before playing them""",
        finding="""the hands knew it before the head did; ten minutes a day beat two hours on Sunday; the wrong
        fingering had cost me months; silence turned out to be part of the melody; the audience never heard the mistake;
        the pedal had covered a lazy rhythm; the slow movement was the difficult one; my shoulders had been doing all
        the work; the piano held its pitch""",
        advice="""practise slowly enough to make no mistakes; stop while it still goes well; write the fingering into
        the score; listen to five recordings; count aloud; learn the last page first; play for somebody every week""",
    ),
    _words(
        thing="""remote work; meetings without an agenda; written decisions; onboarding new colleagues; on-call
        rotations; four-day weeks; asynchronous teams; honest retrospectives""",
        deed="""cancelled every recurring meeting; wrote the proposal as a two-page memo; kept a log of interruptions;
        moved the stand-up into a shared document; spent a week answering support tickets; asked the newest colleague to
        lead; said no to two projects; blocked the mornings for quiet work; handed over the pager without regret""",
        finding="""nobody missed the weekly status meeting; decisions were faster once they were written down; the team
        shipped more by starting less; the quietest person had the best idea; half of the alerts meant nothing;
        estimates grew honest; the new colleague fixed the documentation in a day; trust was cheaper than control; fewer
        people read the long version""",
        advice="""write it down before you discuss it; end every meeting with a name and a date; protect the first two
        hours of the day; praise in public and be specific; ask the question that everybody avoids; hire slowly; take
        the whole holiday""",
    ),
    _words(
        thing="""hand-cut dovetails; sharpening chisels; a workbench of one's own; green wood; restoring old furniture;
        spoon carving; oil finishes; Japanese saws""",
        deed="""built a workbench from construction timber; sharpened the plane until it took shavings like silk; cut
        the same joint twenty times; restored my grandfather's chair; steamed an ash rail into a curve; carved a spoon
        from birch; glued the drawer upside down; measured twice and still cut too short; sanded the table for two
        evenings""",
        finding="""the joint closed without a gap; a sharp chisel was safer than a blunt one; the oak moved with the
        weather; the drawer ran as if on rails; hand tools were quicker for a single piece; the old glue let go with a
        little steam; the grain had warned me; the finish needed three thin coats; the cheapest saw cut the cleanest
        line""",
        advice="""sharpen before you need to; mark with a knife and not a pencil; dry-fit everything before the glue;
        work with the grain; keep the offcuts; cut the joint that you can see last; clean the bench at the end of the
        day""",
    ),
    _words(
        thing="""learning languages; spaced repetition; reading novels in Spanish; Finnish grammar; language exchanges;
        false friends; accents and shame; dictionaries""",
        deed="""spoke nothing but Portuguese at home; read the same novel in two languages; recorded my own voice; made
        flash cards from song lyrics; ordered the wrong dish with great confidence; kept a diary in bad German; met a
        tandem partner at the library; listened to the radio while cooking; learned a poem by heart""",
        finding="""people answered in the same language; the grammar made sense after the mistakes; a thousand words
        went a long way; the accent mattered to nobody but me; jokes were the last thing to come; children were the most
        patient teachers; reading aloud fixed my rhythm; I dreamed in another language; the verbs at last fell into
        place""",
        advice="""speak from the first day; learn whole sentences instead of words; read what you would read anyway;
        forgive yourself the articles; repeat a little every evening; find somebody who corrects you kindly; switch your
        phone to the new language""",
    ),
]
