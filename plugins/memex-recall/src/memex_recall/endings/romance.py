"""Endings of French, Spanish, Italian and Portuguese, as an index has them: without accents."""

from __future__ import annotations

from typing import Final

_FRENCH: Final = """
- s
n nne ns nnes
eau elle eaux elles
eut eulent eux oulu oulait ouloir oulez
eut euvent eux u ouvait ouvoir ouvez
oit oivent ois u evait evoir evez
it isent is isait ire ite isant
- e s es
- x
al ale aux ales
ail aux
eux euse euses
eur euse eurs euses
teur trice teurs trices
if ive ifs ives
f ve fs ves
er ere ers eres
en enne ens ennes
on onne ons onnes
el elle els elles
et ette ets ettes
c que cs ques
c che cs ches
er e es ent ons ez ee ees ait ais aient ant a era eront erait erent ions erai eraient iez
ger ge ges gent geons gez gee gees geait geais geaient geant gea gera
oyer oie oies oient oyons oyez oye oyee oyees oyait oyant
uyer uie uies uient uyons uye uyee uyait
ir is it issons issez issent issait issaient issant i ie ies ira irait iront
ir s t ons ez ent ait aient ant i ie is ies it ira
ir e es ent ons ez ait ert erte erts ertes ira
re - u t ent s ez ons ue ait us ues ant aient ais ra rait ront it
endre end ends enons enez ennent enait enant is ise ises it endra
enir iens ient enons enez iennent enait enaient enu enue enus enues iendra int enant
ire is it isons isez isent isait isant ite ites ira
aitre ais ait aissons aissez aissent aissait u ue us aitra
"""

_SPANISH: Final = """
o a os as
- s
- es
z ces
ar a o as amos an ado ada ados adas ando aba aban e aron ara aria en are es emos aste aran arse arlo arla
car ca co can cado cada cados cadas cando caba caban que quen caron cara
gar ga go gan gado gada gados gadas gando gaba gaban gue guen garon gara
zar za zo zan zado zada zados zadas zando zaba zaban ce cen zaron zara
er e o io ido en ieron emos ida iendo ia es idos idas ian era eria a an as i erse erlo
ir e o io ido en ieron imos ida iendo ia es idos idas ian ira iria a an as i irse
cer ce zco ces cen cido cida cidos cidas ciendo cia cian cio cieron zca cera
ucir uce uzco ucen ucido ucida uciendo ujo ujeron uzca
uir uye uyo uyen uido uida uidos uidas uyendo uyeron uya
ener iene engo ienen enemos enido eniendo enia enian uvo uvieron enga endra
ecir ice icen igo icho ijo ijeron iciendo
eder uede ueden uedo udo udieron
erer iere ieren iero iso isieron
ontar uenta uentan uento onto onte ontaron ontado
olver uelve uelven olvio olvieron uelto uelta
ensar iensa iensan ienso enso ensaron ensado
errar ierra ierran ierro erro erraron errado errada
entar ienta ientan iento ento entaron
endir entir iente ienten iento intio intieron
edir ide iden ido idio idieron idiendo
oner one ongo uso usieron uesto uesta uestos
acer ace acen ago izo icieron echo echa
"""

_ITALIAN: Final = """
o i
a e
e i
o a i e
co chi ca che
co ci ca che
go ghi ga ghe
cia ce
gia ge
io i
io ia ie i
ista isti iste
tore trice tori trici
are a o i iamo ate ano ato ata ati ando ava avano era erebbe arono eranno asse arsi ai avo ino
care ca co chi chiamo cano cato cata cati cate cando cava chera co
gare ga go ghi ghiamo gano gato gata gati gate gando gava ghera
iare ia io i iano iato iata iati iate iando iava era iarono iamo
ere e o i iamo ete ono uto uta uti ute endo eva evano era erebbe a ano ette eranno esse ersi
ire e i o isce ito iscono ono iamo ita ite iti isco endo iva ivano ira irebbe irono isca iranno irsi
dere de do di dono so sa si se dendo deva se dera
gere ge go gono tto tta tti tte gendo geva sse gera
nere ne ngo ngono nuto nuta nuti nute nendo neva nne rra
"""

_PORTUGUESE: Final = """
- s
- es
o a os as
ao oes
ao aos
ao a oes as
al ais
el eis
ol ois
il is
em ens
im ins
om ons
um uns
r ra res ras
es esa eses esas
ar a ou o ado amos ei am ada aram ando ava avam as ados adas ara aria e em ariam arao asse
car ca co cam cado cada cados cadas cando cava cou quei que quem
gar ga go gam gado gada gados gadas gando gava gou guei gue guem
er e o es emos em ido ida idos idas endo ia iam eu i eram era eria a am erao esse
ir e o es imos em ido ida idos idas indo ia iam iu i iram ira iria a am irao isse
cer ce co cem cido cida cidos cidas cendo cia ceu ca
uir ui uo uem uido uida uidos uidas uindo uia uiu
"""


def rows(language: str) -> list[str]:
    """Return the rows of endings of a language."""
    return {"fr": _FRENCH, "es": _SPANISH, "it": _ITALIAN, "pt": _PORTUGUESE}[language].strip().splitlines()
