"""Words of grammar and courtesy of other languages than English. Written by ``make_function_words.py``.

Those of ten languages are the Snowball project's lists of stop words, as Sphinx 9.0.4 carries them, with
what they lack; the others are our own. Snowball's are under the 3-clause BSD licence:

Copyright (c) 2001, Dr Martin Porter
Copyright (c) 2004,2005, Richard Boulton
Copyright (c) 2013, Yoshiki Shibukawa
Copyright (c) 2006-2025, Olly Betts
All rights reserved.

Redistribution and use in source and binary forms, with or without
modification, are permitted provided that the following conditions
are met:

  1. Redistributions of source code must retain the above copyright notice,
     this list of conditions and the following disclaimer.
  2. Redistributions in binary form must reproduce the above copyright notice,
     this list of conditions and the following disclaimer in the documentation
     and/or other materials provided with the distribution.
  3. Neither the name of the Snowball project nor the names of its contributors
     may be used to endorse or promote products derived from this software
     without specific prior written permission.

THIS SOFTWARE IS PROVIDED BY THE COPYRIGHT HOLDERS AND CONTRIBUTORS "AS IS" AND
ANY EXPRESS OR IMPLIED WARRANTIES, INCLUDING, BUT NOT LIMITED TO, THE IMPLIED
WARRANTIES OF MERCHANTABILITY AND FITNESS FOR A PARTICULAR PURPOSE ARE
DISCLAIMED. IN NO EVENT SHALL THE COPYRIGHT OWNER OR CONTRIBUTORS BE LIABLE FOR
ANY DIRECT, INDIRECT, INCIDENTAL, SPECIAL, EXEMPLARY, OR CONSEQUENTIAL DAMAGES
(INCLUDING, BUT NOT LIMITED TO, PROCUREMENT OF SUBSTITUTE GOODS OR SERVICES;
LOSS OF USE, DATA, OR PROFITS; OR BUSINESS INTERRUPTION) HOWEVER CAUSED AND ON
ANY THEORY OF LIABILITY, WHETHER IN CONTRACT, STRICT LIABILITY, OR TORT
(INCLUDING NEGLIGENCE OR OTHERWISE) ARISING IN ANY WAY OUT OF THE USE OF THIS
SOFTWARE, EVEN IF ADVISED OF THE POSSIBILITY OF SUCH DAMAGE.
"""

from __future__ import annotations

from typing import Final

# As an index has them: folded, without Latin accents.
LISTS: Final = {
    "de": """
aber alle allem allen aller alles als also am an ander andere anderem anderen anderer anderes anderm andern
anderr anders auch auf aus bei beim bin bis bist bitte da damit danke dann das dass dasselbe dazu dein deine
deinem deinen deiner deines dem demselben den denn denselben der derer derselbe derselben des desselben
dessen dich die dies diese dieselbe dieselben diesem diesen dieser dieses dir doch dort du durch ein eine
einem einen einer eines einig einige einigem einigen einiger einiges einmal er es etwas euch euer eure eurem
euren eurer eures fur gegen gewesen gibt hab habe haben hallo hat hatte hatten hier hin hinter ich ihm ihn
ihnen ihr ihre ihrem ihren ihrer ihres im immer in indem ins ist ja jede jedem jeden jeder jedes jene jenem
jenen jener jenes jetzt kann kein keine keinem keinen keiner keines konnen konnte machen mal man manche
manchem manchen mancher manches mehr mein meine meinem meinen meiner meines mich mir mit muss musste nach
nein nicht nichts noch nun nur ob oder ohne okay schon sehr sein seine seinem seinen seiner seines selbst
sich sie sind so solche solchem solchen solcher solches soll sollte sondern sonst uber um und uns unse unsem
unsen unser unses unter viel vom von vor wahrend wann war waren warst warum was weg weil weiter welche
welchem welchen welcher welches wem wen wenn wer werde werden weshalb wie wieder wieso will wir wird wirst
wo woher wohin wollen wollte wurde wurden zu zum zur zwar zwischen
""",
    "fr": """
a ai aie aient aies ait alors as au aura aurai auraient aurais aurait auras aurez auriez aurions aurons
auront aux avaient avais avait avec avez aviez avions avons ayant ayez ayons bonjour c ce ceci cela ces cet
cette combien comme comment d dans de des donc du elle en es est et etaient etais etait etant etee etees
etiez etions eu eue eues eumes eurent eus eusse eussent eusses eussiez eussions eut eutes eux fumes furent
fus fusse fussent fusses fussiez fussions fut futes ici il ils j je l la le les leur leurs lui m ma mais me
meme merci mes moi mon n ne non nos notre nous on ont ou oui par pas plait plus pour pourquoi qu quand que
quel quelle quelles quelqu quels qui quoi s sa salut sans se sera serai seraient serais serait seras serez
seriez serions serons seront ses si soi soient sois soit sommes son sont soyez soyons suis sur t ta te tes
toi ton tout tu un une vos votre vous y
""",
    "es": """
a adonde al algo algunas algunos ante antes como con contra cual cuales cuando cuanta cuantas cuanto cuantos
de del desde donde durante e el ella ellas ellos en entre era erais eramos eran eras eres es esa esas ese
eso esos esta estaba estabais estabamos estaban estabas estad estais estamos estan estando estar estara
estaran estaras estare estareis estaremos estaria estariais estariamos estarian estarias estas este esteis
estemos esten estes esto estos estoy estuve estuviera estuvierais estuvieramos estuvieran estuvieras
estuvieron estuviese estuvieseis estuviesemos estuviesen estuvieses estuvimos estuviste estuvisteis estuvo
favor fue fuera fuerais fueramos fueran fueras fueron fuese fueseis fuesemos fuesen fueses fui fuimos fuiste
fuisteis gracias ha habeis habia habiais habiamos habian habias habida habidas habido habidos habiendo habra
habran habras habre habreis habremos habria habriais habriamos habrian habrias han has hasta hay haya hayais
hayamos hayan hayas he hemos hola hube hubiera hubierais hubieramos hubieran hubieras hubieron hubiese
hubieseis hubiesemos hubiesen hubieses hubimos hubiste hubisteis hubo la las le les lo los mas me mi mia
mias mio mios mis mucho muchos muy nada ni no nos nosotras nosotros nuestra nuestras nuestro nuestros o os
otra otras otro otros para pero poco por porque que quien quienes se sea seais seamos sean seas sera seran
seras sere sereis seremos seria seriais seriamos serian serias si sido siendo sin sobre sois somos son soy
su sus suya suyas suyo suyos tambien tanto te tendra tendran tendras tendre tendreis tendremos tendria
tendriais tendriamos tendrian tendrias tened teneis tenemos tenga tengais tengamos tengan tengas tengo tenia
teniais teniamos tenian tenias tenida tenidas tenido tenidos teniendo ti tiene tienen tienes todo todos tu
tus tuve tuviera tuvierais tuvieramos tuvieran tuvieras tuvieron tuviese tuvieseis tuviesemos tuviesen
tuvieses tuvimos tuviste tuvisteis tuvo tuya tuyas tuyo tuyos un una uno unos vosotras vosotros vuestra
vuestras vuestro vuestros y ya yo
""",
    "it": """
a abbia abbiamo abbiano abbiate ad agl agli ai al all alla alle allo anche avemmo avendo avesse avessero
avessi avessimo aveste avesti avete aveva avevamo avevano avevate avevi avevo avra avrai avranno avrebbe
avrebbero avrei avremmo avremo avreste avresti avrete avro avuta avute avuti avuto c che chi ci ciao coi col
come con contro cosa cui da dagl dagli dai dal dall dalla dalle dallo degl degli dei del dell della delle
dello di dov dove e ebbe ebbero ebbi ed era erano eravamo eravate eri ero essendo faccia facciamo facciano
facciate faccio facemmo facendo facesse facessero facessi facessimo faceste facesti faceva facevamo facevano
facevate facevi facevo fai fanno fara farai faranno farebbe farebbero farei faremmo faremo fareste faresti
farete faro favore fece fecero feci fosse fossero fossi fossimo foste fosti fu fui fummo furono gli grazie
ha hai hanno ho i il in io l la le lei li lo loro lui ma mi mia mie miei mio ne negl negli nei nel nell
nella nelle nello no noi non nostra nostre nostri nostro o per perche piu quale quali quando quanta quante
quanti quanto quella quelle quelli quello questa queste questi questo sara sarai saranno sarebbe sarebbero
sarei saremmo saremo sareste saresti sarete saro se sei si sia siamo siano siate siete sono sta stai stando
stanno stara starai staranno starebbe starebbero starei staremmo staremo stareste staresti starete staro
stava stavamo stavano stavate stavi stavo stemmo stesse stessero stessi stessimo steste stesti stette
stettero stetti stia stiamo stiano stiate sto su sua sue sugl sugli sui sul sull sulla sulle sullo suo suoi
ti tra tu tua tue tuo tuoi tutti tutto un una uno vi voi vostra vostre vostri vostro
""",
    "pt": """
a ao aos aquela aquelas aquele aqueles aquilo as ate com como da das de dela delas dele deles depois do dos
e ela elas ele eles em entre era eram eramos essa essas esse esses esta estamos estao estas estava estavam
estavamos este esteja estejam estejamos estes esteve estive estivemos estiver estivera estiveram estiveramos
estiverem estivermos estivesse estivessem estivessemos estou eu favor foi fomos for fora foram foramos forem
formos fosse fossem fossemos fui ha haja hajam hajamos hao havemos hei houve houvemos houver houvera
houveram houveramos houverao houverei houverem houveremos houveria houveriam houveriamos houvermos houvesse
houvessem houvessemos isso isto ja lhe lhes mais mas me mesmo meu meus minha minhas muito na nao nas nem no
nos nossa nossas nosso nossos num numa o obrigada obrigado ola onde os ou para pela pelas pelo pelos por
porque quais qual quando quanta quantas quanto quantos que quem sao se seja sejam sejamos sem sera serao
serei seremos seria seriam seriamos seu seus sim so somos sou sua suas tambem te tem temos tenha tenham
tenhamos tenho tera terao terei teremos teria teriam teriamos teu teus teve tinha tinham tinhamos tive
tivemos tiver tivera tiveram tiveramos tiverem tivermos tivesse tivessem tivessemos tu tua tuas um uma voce
voces vos
""",
    "nl": """
aan al alles als alsjeblieft altijd andere bedankt ben bij daar dan dank dat de der deze die dit doch doen
door dus een eens en er ge geen geweest graag haar had hallo heb hebben heeft hem het hier hij hoe hoeveel
hun iemand iets ik in is ja je jij jouw jullie kan kon kunnen maar me meer men met mij mijn moet na naar nee
niet niets nog nu of om omdat onder ons onze ook op over reeds te tegen toch toen tot u uit uw van veel voor
waar waarom wanneer want waren was wat we welk welke werd wezen wie wij wil worden wordt zal ze zelf zich
zij zijn zo zonder zou
""",
    "sv": """
alla allt an ar at att av blev bli blir blivit da dar de dem den denna deras dess dessa det detta dig din
dina ditt du efter ej eller en er era ert ett far finns for fran ha hade han hans har hej henne hennes hon
honom hur i icke ingen inom inte ja jag ju kan kunde man med mellan men mig min mina mitt mot mycket nagon
nagot nagra nar nej ni nu och om oss over pa sa sadan sadana sadant samma sedan sig sin sina sitta sjalv
skulle snalla som tack till under upp ut utan vad var vara varfor varit varje vars vart vem vi vid vilka
vilkas vilken vilket
""",
    "da": """
ad af alle alt anden at blev blive bliver da de dem den denne der deres det dette dig din disse dog du efter
eller en end er et far for fra ham han hans har havde have hej hende hendes her hos hun hvad hvem hvilke
hvilken hvilket hvis hvor hvordan hvorfor hvornar i ikke ind ja jeg jer jo kunne man mange med meget men mig
min mine mit mod nar ned nej noget nogle nu og ogsa om op os over pa sadan selv sig sin sine sit skal skulle
som tak thi til ud under vaere vaeret var vi vil ville vor
""",
    "no": """
a alle at av bade bae bare begge ble blei bli blir blitt da de deg dei deim deira deires dem den denne der
dere deres det dette di din disse ditt du dykk dykkar eg ein eit eitt eller elles en enn er et ett etter far
for fordi fra ha hadde han hans har hei hennar henne hennes her hja ho hoe honom hoss hossen hun hva hvem
hver hvilke hvilken hvilket hvis hvor hvordan hvorfor i ikke ikkje ingen ingi inkje inn inni ja jeg kan kom
korleis korso kun kunne kva kvar kvarhelst kven kvi kvifor man mange me med medan meg meget mellom men mi
min mine mitt mot mykje na nar ned nei no noe noen noka noko nokon nokor nokre og ogsa om opp oss over pa sa
samme sann seg selv si sia sidan siden sin sine sitt sjol skal skulle slik so som somme somt takk til um upp
ut uten vaere vaert var vart varte ved vere verte vi vil ville vore vors vort
""",
    "ru": """
а без более больше будет будто бы был была были было быть в вам вас вдруг ведь во вот впрочем все всегда
всего всех всю вы где говорил да даже два для до другой его ее ей ему если есть еще ж же жизнь за зачем
здесь и из или им иногда их к кажется как какая какие каких какого какое какой когда кого кому конечно кто
куда ли лучше между меня мне много может можно мой моя мы на над надо наконец нас не него нее ней нельзя нет
ни нибудь никогда ним них ничего но ну о об один он она они опять от откуда перед по под пожалуйста после
потом потому почему почти при привет про раз разве с сам свою себе себя сегодня сейчас сказал сказала
сказать сколько со совсем спасибо так такой там тебя тем теперь то тогда того тоже только том тот три тут ты
у уж уже хорошо хоть чего чей человек чем через что чтоб чтобы чуть эта эти это этого этой этом этот эту я
""",
    "uk": """
а але б без би був була були було в вам вас ваш вже ви вона вони воно всі всіх від він да дай де для до дуже
дякую ж з за звідки зі й його йому кого коли кому куди мене мені ми може можна на навіть над нам нас наш не
ним ними них ну ні о ось от при привіт про прошу під після скільки та так таки такий там те тебе ти тим тих
то тобі того тоді той тому тут у усі хто це цей цього ці чи чий чия чому що щоб як яка яке який якого які є
і їх її
""",
    "pl": """
a aby ale bardzo bez bo by byc byl byla bylo byly chyba ci co cos czego czemu czesc czy czyj czyja dla
dlaczego do dzieki dziekuje gdy gdzie go i ich ile im ja jak jaka jaki jakie jakiego jakiej jako jakos je
jego jej jemu jesli jest jestem jeszcze juz kazdy kiedy kim kogo komu kto ktora ktore ktorego ktorej ktory
ktorych ktorzy ku ma mam mi mna mnie moj moja moje moze mu my na nad nam nas nasz nasza nasze nia nic nich
nie nim niz o od on ona one oni ono oraz pan pani po pod prosze przed przez przy sa sie skad swoj ta tak
takze tam te tego tej temu ten tez to tobie tu twoj twoja twoje ty tych tylko tym u w was wasz we wiec
wszystko wy z za ze zeby
""",
    "cs": """
a aby ahoj ale ani ano asi aspon az bez bude budu by byl byla byli bylo byt ce cem cemu ci co coz da dal
dalsi dekuji diky do ho i ja jak jaka jake jako jaky je jeho jej jeji jemu jen jenz jeste ji jich jim jsem
jsi jsme jsou jste k kam kazdy kde kdo kdy kdyz koho kolik komu ktera ktere ktereho kteri ktery ku ma mam me
mi mne mnou moje moji muj my na nad nam nas nase ne nebo neco nejak nez ni nic o od on ona oni ono pak po
pod podle pokud pred pri pro proc prosim proto s se si sobe svuj ta tak take takze tam te tedy ten to tohle
toho tom tomu toto tu tuto tvuj ty u uz v vam vas ve vsak vsechno vy z za ze
""",
    "ko": """
감사합니다 거 것 고마워 그 그거 그래서 그런데 그리고 나 나는 내 내가 너 네 네가 누가 누구 누구의 다시
당신 더 또 몇 무슨 무엇 뭐 뭐였지 뭘 수 아니요 안녕 안녕하세요 어느 어디 어디서 어디에 어떤 어떻게
언제 얼마 얼마나 없다 없어 였지 왜 우리 우리가 우리는 이 이거 이었지 인가요 입니까 있나요 있는 있다
있습니까 있어 있어요 저 저는 제가 좀 하는 하지만 한 할 해 해요 했나요 했더라 했습니까 했어 했어요 했지
""",
}
